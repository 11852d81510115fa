// Package main owns the measure of what the rules detect: it scans recorded
// attacks whose technique is known, and benign logs, and writes
// docs/detection-coverage.md. It refuses to judge by anything but the tags that
// rules carry.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	data := flag.String("data", filepath.Join("..", "shared", "data"), "directory of the recordings, logs and rules")
	out := flag.String("o", "-", "file to write; - is standard output")
	flag.Parse()
	if err := run(context.Background(), *data, *out); err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, out string) error {
	recordings, err := readRecordings(filepath.Join(data, "security-datasets"))
	if err != nil {
		return err
	}
	scanner, err := newScanner(filepath.Join(data, "sigma", "sigma-rules.tar.gz"))
	if err != nil {
		return err
	}
	report, err := scanner.measure(ctx, recordings, []benign{
		{"Zeek, WRCCDC 2018", []string{filepath.Join(data, "zeek")}},
		{"Suricata EVE", []string{filepath.Join(data, "suricata", "pcap-runs")}},
	})
	if err != nil {
		return err
	}
	page := report.page()
	if out == "-" {
		_, err = fmt.Print(page)
		return err
	}
	return os.WriteFile(out, []byte(page), 0o644)
}
