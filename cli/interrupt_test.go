package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInterrupt: a run that is interrupted while its input is idle ends every
// output, shows the summary, and says that it was interrupted.
func TestInterrupt(t *testing.T) {
	idle, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	defer feed.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	dir := t.TempDir()
	hits, stats := filepath.Join(dir, "hits.sarif"), filepath.Join(dir, "stats.json")
	var stdout, stderr bytes.Buffer
	code := Run(ctx, []string{"scan", "--rules", "../internal/demo/rules", "--output-format", "sarif",
		"--output", hits, "--stats", stats, "-"}, idle, &stdout, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "\nborj: interrupted") || !strings.Contains(stderr.String(), "Read 0 events") {
		t.Errorf("exit %d, want 1, the summary and the reason:\n%s", code, stderr.String())
	}
	for _, file := range []string{hits, stats} {
		if raw, err := os.ReadFile(file); err != nil || !json.Valid(raw) {
			t.Errorf("%s is not complete (%v): %s", file, err, raw)
		}
	}
}

// TestHitsCanBeFollowed: what was found is on its way before the input ends.
func TestHitsCanBeFollowed(t *testing.T) {
	idle, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	defer feed.Close()
	hits, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hits.Close()
	log, err := os.ReadFile("../internal/demo/logs/sysmon.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan int)
	go func() {
		done <- Run(ctx, []string{"scan", "-q", "--rules", "../internal/demo/rules/whoami.yml", "-"}, idle, written, io.Discard)
		written.Close()
	}()
	go feed.Write(bytes.Repeat(log, 4<<20/len(log))) // and then nothing, without an end
	first, err := bufio.NewReader(hits).ReadString('\n')
	if err != nil || ctx.Err() != nil || !strings.Contains(first, `"kind":"sigma"`) {
		t.Errorf("the first hit is %q (%v, %v)", first, err, ctx.Err())
	}
	go io.Copy(io.Discard, hits)
	cancel()
	if code := <-done; code != exitFailed {
		t.Errorf("exit %d after the interrupt, want 1", code)
	}
}
