// SPDX-License-Identifier: Apache-2.0

// An echo server on gorilla/websocket: a goroutine for each connection, one processor.
// Usage: gorilla [--port N]
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"runtime"

	"github.com/gorilla/websocket"
)

var upgrader = websocket.Upgrader{
	ReadBufferSize:  4096,
	WriteBufferSize: 4096,
	CheckOrigin:     func(*http.Request) bool { return true },
}

func echo(writer http.ResponseWriter, request *http.Request) {
	connection, err := upgrader.Upgrade(writer, request, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func main() {
	port := flag.Int("port", 0, "0 picks one")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		panic(err)
	}
	fmt.Printf("listening on ws://%s/\n", listener.Addr())
	panic(http.Serve(listener, http.HandlerFunc(echo)))
}
