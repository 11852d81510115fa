// Command soak runs every fuzz target, and on demand the long sweeps, and
// writes what ran for how long and how it ended. It owns the finding of the
// targets; what is tested is the packages' own.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

func main() {
	fuzztime := flag.Duration("fuzztime", 30*time.Second, "how long each fuzz target runs")
	sweeps := flag.Bool("sweeps", false, "also run every test with BORJ_SOAK=1, which lengthens what make test samples")
	out := flag.String("o", "", "write a report to this file")
	flag.Parse()
	if err := run(*fuzztime, *sweeps, *out); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// outcome is how one target or sweep ended.
type outcome struct {
	name  string
	spent time.Duration
	note  string // executions, or what failed
	err   error
}

func run(fuzztime time.Duration, sweeps bool, out string) error {
	targets, err := fuzzTargets()
	if err != nil {
		return err
	}
	var outcomes []outcome
	for _, t := range targets {
		outcomes = append(outcomes, fuzz(t, fuzztime))
	}
	if sweeps {
		outcomes = append(outcomes, sweep())
	}
	if out != "" {
		if err := os.WriteFile(out, []byte(report(outcomes, fuzztime)), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	var failed []error
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, fmt.Errorf("%s: %w (%s)", o.name, o.err, o.note))
		}
	}
	return errors.Join(failed...)
}

// target is one fuzz function.
type target struct{ pkg, name string }

// fuzzTargets asks every package for its fuzz functions.
func fuzzTargets() ([]target, error) {
	var text bytes.Buffer
	cmd := exec.Command("go", "test", "-list", "^Fuzz", "./...")
	cmd.Stdout, cmd.Stderr = &text, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("list the fuzz targets: %w", err)
	}
	return targetsIn(text.String()), nil
}

// targetsIn reads what go test -list writes: names, then "ok PACKAGE".
func targetsIn(list string) []target {
	var targets []target
	var names []string
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case len(f) >= 2 && f[0] == "ok":
			for _, n := range names {
				targets = append(targets, target{f[1], n})
			}
			names = nil
		}
	}
	return targets
}

// progress is the line that the fuzzer writes every three seconds.
var progress = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+) \(total: (\d+)\)`)

func fuzz(t target, fuzztime time.Duration) outcome {
	name := t.pkg + "." + t.name
	fmt.Fprintf(os.Stderr, "fuzz %s for %s\n", name, fuzztime)
	text, spent, err := command(nil, "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", fuzztime.String(), t.pkg)
	note := ""
	if m := progress.FindAllStringSubmatch(text, -1); m != nil {
		last := m[len(m)-1]
		note = last[1] + " executions, " + last[3] + " interesting inputs"
	}
	return outcome{name, spent, note, err}
}

func sweep() outcome {
	fmt.Fprintln(os.Stderr, "every test, with the long sweeps")
	_, spent, err := command([]string{"BORJ_SOAK=1"}, "test", "-count=1", "-timeout", "4h", "./...")
	return outcome{"every test, with the long sweeps", spent, "", err}
}

// command runs the go command, shows what it writes and returns it.
func command(env []string, args ...string) (string, time.Duration, error) {
	var text bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout = io.MultiWriter(&text, os.Stderr)
	cmd.Stderr = cmd.Stdout
	start := time.Now()
	err := cmd.Run()
	return text.String(), time.Since(start).Round(time.Second), err
}

func report(outcomes []outcome, fuzztime time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Reliability\n\nWritten by `make soak` on %s with %s on %d cores; do not edit.\nEach fuzz target ran for %s; a crasher is committed as a seed and fails `make test` from then on.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), fuzztime)
	b.WriteString("| what | time | outcome | |\n|---|---|---|---|\n")
	for _, o := range outcomes {
		end := "passed"
		if o.err != nil {
			end = "**failed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", o.name, o.spent, end, o.note)
	}
	return b.String()
}
