// redigo by the URI alone: what was stored comes back.
package main

import (
	"fmt"
	"os"

	"github.com/gomodule/redigo/redis"
)

func main() {
	client, err := redis.DialURL(os.Getenv("CACHE_URI"))
	if err == nil {
		_, err = client.Do("SET", "redigo", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	value, _ := redis.String(client.Do("GET", "redigo"))
	fmt.Println(value)
}
