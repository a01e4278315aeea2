// Goproxy, a proxy on Go's own HTTP/1.1 and HTTP/2, as tests need it: CONNECT over TLS, to any port.
//
//	goproxy -cert FILE -key FILE     prints "listening PORT"
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/elazarl/goproxy"
)

func main() {
	log.SetFlags(0)
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.ServeTLS(listener, goproxy.NewProxyHttpServer(), *cert, *key))
}
