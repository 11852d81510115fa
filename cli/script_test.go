package cli

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite outputs in scripts and documents, instead of comparing")

// TestMain lets scripts, and the documents' commands, call this test binary as
// borj.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"borj": func() {
			os.Exit(Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the journeys of users. $DEMO is where the sample logs are.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("DEMO", filepath.Join(root, "internal", "demo"))
			return nil
		},
	})
}
