// What somebody would write in Go instead: httputil.ReverseProxy, with a transport that keeps its connections.
//
//	weir-bench-go UPSTREAM [CERTIFICATE]      the file of a certificate to trust
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	upstream, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if len(os.Args) > 2 {
		pem, err := os.ReadFile(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		if !trusted.AppendCertsFromPEM(pem) {
			log.Fatal("the certificate is not PEM")
		}
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) { request.SetURL(upstream) },
		Transport: &http.Transport{
			// Two by default: with more callers than that nearly every call would connect anew.
			MaxIdleConnsPerHost: 1 << 16,
			DisableCompression:  true,
			TLSClientConfig:     &tls.Config{RootCAs: trusted},
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	// By itself the server closes what is left of a request's body when the answer begins, and the transport then breaks off a stream whose body it was
	// just about to finish.
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if err := http.NewResponseController(writer).EnableFullDuplex(); err != nil {
			log.Fatal(err)
		}
		proxy.ServeHTTP(writer, request)
	})))
}
