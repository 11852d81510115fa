// Package recorded owns the way to the recordings of real events, feeds and
// rules that tests and benchmarks are tried on. They stand beside the project,
// in ../shared/data, and are no part of it: where they are absent a test that
// needs them skips. It refuses to hold any data.
package recorded

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the file or directory elem of the recordings. It skips the test
// where it is absent.
func Path(tb testing.TB, elem ...string) string {
	tb.Helper()
	root, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if text, err := os.ReadFile(filepath.Join(root, "go.mod")); err == nil && isBorj(text) {
			break
		}
		up := filepath.Dir(root)
		if up == root {
			tb.Fatal("no go.mod of borj.dev/borj above the test")
		}
		root = up
	}
	path := filepath.Join(append([]string{root, "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("needs recordings that are no part of the project, and are absent: %v", err)
	}
	return path
}

// isBorj tells the main module from those beneath it.
func isBorj(mod []byte) bool {
	const line = "module borj.dev/borj\n"
	return len(mod) >= len(line) && string(mod[:len(line)]) == line
}
