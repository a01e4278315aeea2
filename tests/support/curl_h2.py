# What curl itself of Debian 12 cannot: libcurl over HTTP/2 to a proxy. Fetches each URL through it, all on one handle.
#
#   curl_h2.py PORT CA_FILE TOKEN URL...    prints "STATUS LENGTH SHA256" for each, or "refused STATUS"
import hashlib
import io
import sys

import pycurl

HTTPS2 = 3  # CURLPROXY_HTTPS2

port, ca_file, token, *urls = sys.argv[1:]
curl = pycurl.Curl()
said = []
curl.setopt(pycurl.PROXY, f"127.0.0.1:{port}")
curl.setopt(pycurl.PROXYTYPE, HTTPS2)
curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
curl.setopt(pycurl.NOPROXY, "")
curl.setopt(pycurl.PROXY_CAINFO, ca_file)
curl.setopt(pycurl.PROXYHEADER, [f"Proxy-Authorization: Bearer {token}"])
curl.setopt(pycurl.HEADEROPT, pycurl.HEADER_SEPARATE)
curl.setopt(pycurl.TIMEOUT, 20)
curl.setopt(pycurl.VERBOSE, 1)
curl.setopt(pycurl.DEBUGFUNCTION, lambda kind, words: said.append(words) if kind == 0 else None)
for url in urls:
    body = io.BytesIO()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEDATA, body)
    try:
        curl.perform()
        bytes_ = body.getvalue()
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        print(status, len(bytes_), hashlib.sha256(bytes_).hexdigest())
    except pycurl.error:
        answers = [words for words in said if b"CONNECT Response Status" in words]
        print("refused", answers[-1].split()[-1].decode() if answers else "without an answer")
print("by HTTP/2" if any(b"HTTP/2 proxy tunnel" in words for words in said) else "not by HTTP/2")
