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
	in := flag.String("in", "", "a run that -save wrote, to be shown instead of a new one")
	save := flag.String("save", "", "a file to keep the run in, as it was printed")
	out := flag.String("o", "docs/benchmarks.md", "the file to write")
	flag.Parse()
	if err := run(*count, *benchtime, *only, *in, *save, *out); err != nil {
		fmt.Fprintln(os.Stderr, "benchdoc:", err)
		os.Exit(1)
	}
}

// machineLine begins the line of a run that says on what, and of what, the
// figures were taken.
const machineLine = "machine: "

// run measures, or takes what was measured, and writes the page.
func run(count int, benchtime, only, in, save, out string) error {
	text, err := os.ReadFile(in)
	if in == "" {
		text, err = measure(count, benchtime, only)
	}
	if err != nil {
		return err
	}
	if save != "" {
		if err := os.WriteFile(save, text, 0o644); err != nil {
			return fmt.Errorf("keep the run: %w", err)
		}
	}
	results, cpu, err := parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	page := render(results, cpu+", "+machineOf(text), goals)
	if err := os.WriteFile(out, []byte(page), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func machineOf(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if m, ok := strings.CutPrefix(line, machineLine); ok {
			return strings.TrimSpace(m)
		}
	}
	return "machine unknown"
}

// measure runs the benchmarks in the module of the rivals and in the packages
// of the watch, and returns what they print.
func measure(count int, benchtime, only string) ([]byte, error) {
	flags := []string{"test", "-run", "^$", "-bench", only, "-benchmem", "-benchtime", benchtime,
		"-count", fmt.Sprint(count), "-timeout", "2h"}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s%s\n", machineLine, machine())
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

// machine says on what, and of what, the figures are taken.
func machine() string {
	commit, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=7").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	return fmt.Sprintf("%d cores, %s, commit %s, %s", runtime.NumCPU(), runtime.Version(),
		strings.TrimSpace(string(commit)), time.Now().UTC().Format(time.DateOnly))
}
