// Masque-go and quic-go as tests need them: a CONNECT-UDP proxy, an HTTP/3 origin, and a client that fetches one URL through a proxy.
//
//	masque_go proxy  -cert FILE -key FILE     prints "listening PORT"; the template is the default one of RFC 9298
//	masque_go origin -cert FILE -key FILE     prints "listening PORT"; serves /bytes/N
//	masque_go get    -ca FILE -template T URL prints the number of bytes of the body
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/quic-go/masque-go"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/yosida95/uritemplate/v3"
)

// Packets, and packets inside packets: the proxy gives a tunnel up over a datagram that does not fit.
const (
	outerBytes = 1400
	innerBytes = 1280
)

const path = "/.well-known/masque/udp/"

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("say proxy, origin or get")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	cert := flags.String("cert", "", "certificate, PEM")
	key := flags.String("key", "", "its key, PEM")
	ca := flags.String("ca", "", "certificates to trust, PEM")
	template := flags.String("template", "", "URI template of the proxy")
	flags.Parse(os.Args[2:])
	var err error
	switch os.Args[1] {
	case "proxy":
		err = serve(*cert, *key, outerBytes, proxyHandler)
	case "origin":
		err = serve(*cert, *key, innerBytes, originHandler)
	case "get":
		err = get(*ca, *template, flags.Arg(0))
	default:
		err = errors.New("say proxy, origin or get")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve(cert, key string, packetBytes uint16, handler func(port int) http.Handler) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	port := socket.LocalAddr().(*net.UDPAddr).Port
	server := http3.Server{
		TLSConfig:       http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{pair}}),
		EnableDatagrams: true,
		Handler:         handler(port),
		QUICConfig: &quic.Config{
			EnableDatagrams:         true,
			InitialPacketSize:       packetBytes,
			DisablePathMTUDiscovery: true,
		},
	}
	fmt.Printf("listening %d\n", port)
	return server.Serve(socket)
}

func proxyHandler(port int) http.Handler {
	text := fmt.Sprintf("https://127.0.0.1:%d%s{target_host}/{target_port}/", port, path)
	template := uritemplate.MustNew(text)
	proxy := masque.Proxy{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := masque.ParseProxyRequest(r, template)
		var fault *masque.ProxyRequestParseError
		switch {
		case errors.As(err, &fault):
			w.WriteHeader(fault.HTTPStatus)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			proxy.Proxy(w, request)
		}
	})
}

func originHandler(int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		length, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/bytes/"))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Write(make([]byte, length))
	})
}

func get(ca, template, url string) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, NextProtos: []string{http3.NextProtoH3}}
	road := masque.Transport{
		TLSClientConfig: config,
		QUICConfig:      &quic.Config{EnableDatagrams: true, InitialPacketSize: outerBytes},
	}
	dial := func(ctx context.Context, address string, tlsConfig *tls.Config, quicConfig *quic.Config) (*quic.Conn, error) {
		remote, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return nil, err
		}
		request, err := masque.NewRequest(ctx, uritemplate.MustNew(template), remote.String())
		if err != nil {
			return nil, err
		}
		socket, _, err := road.Dial(request)
		if err != nil {
			return nil, err
		}
		inner := quicConfig.Clone()
		inner.DisablePathMTUDiscovery = true
		return quic.DialEarly(ctx, socket, remote, tlsConfig, inner)
	}
	client := http.Client{Transport: &http3.Transport{TLSClientConfig: config, Dial: dial}}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	length, err := io.Copy(io.Discard, response.Body)
	fmt.Printf("%d %d\n", response.StatusCode, length)
	return err
}
