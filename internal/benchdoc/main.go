// Command benchdoc runs the benchmarks and writes docs/benchmarks.md: what was
// measured beside its goal and beside the best rival of the same run. It owns
// the goals, and refuses to measure anything itself.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

func main() {
	count := flag.Int("count", 3, "how often each benchmark runs; the median counts")
	benchtime := flag.String("benchtime", "1s", "how long each run takes")
	only := flag.String("bench", ".", "which benchmarks, as a regular expression")
	in := flag.String("in", "", "a file of what go test -bench printed, to be used instead of running it")
	out := flag.String("o", "docs/benchmarks.md", "the file to write")
	flag.Parse()
	if err := run(*count, *benchtime, *only, *in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "benchdoc:", err)
		os.Exit(1)
	}
}

// run measures, or takes what was measured, and writes the page.
func run(count int, benchtime, only, in, out string) error {
	text, err := os.ReadFile(in)
	if in == "" {
		text, err = measure(count, benchtime, only)
	}
	if err != nil {
		return err
	}
	results, cpu, err := parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	page := render(results, machine(cpu), goals)
	if err := os.WriteFile(out, []byte(page), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// measure runs the benchmarks in the module of the rivals and in the packages
// of the watch, and returns what they print.
func measure(count int, benchtime, only string) ([]byte, error) {
	flags := []string{"test", "-run", "^$", "-bench", only, "-benchmem", "-benchtime", benchtime,
		"-count", fmt.Sprint(count), "-timeout", "2h"}
	var text bytes.Buffer
	for _, in := range []struct{ dir, packages string }{{"bench", "./..."}, {".", "./watch/..."}} {
		cmd := exec.Command("go", append(flags, in.packages)...)
		cmd.Dir = in.dir
		cmd.Stdout = io.MultiWriter(&text, os.Stderr)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("benchmarks in %s: %w", in.dir, err)
		}
	}
	return text.Bytes(), nil
}

// machine says on what, and of what, the figures were taken.
func machine(cpu string) string {
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	return fmt.Sprintf("%s, %d cores, %s, commit %s, %s", cpu, runtime.NumCPU(), runtime.Version(),
		strings.TrimSpace(string(commit)), time.Now().UTC().Format(time.DateOnly))
}
