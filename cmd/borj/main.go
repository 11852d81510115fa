// Command borj is a node of a national cyber security cooperation system.
package main

import (
	"context"
	"os"

	"borj.dev/borj/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
