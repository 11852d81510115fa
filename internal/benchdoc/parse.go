package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// result is one benchmark: its name without "Benchmark" and the number of
// processors, and every metric as the median of its runs.
type result struct {
	name    string
	metrics map[string]float64 // by unit: ns/op, MB/s, events/s …
}

// parse reads what `go test -bench` writes (the format of
// golang.org/design/14313-benchmark-format), in the order of first appearance.
func parse(r io.Reader) (results []result, cpu string, err error) {
	runs := make(map[string]map[string][]float64)
	var order []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "cpu: "); ok {
			cpu = rest
		}
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") || len(f)%2 != 0 {
			continue
		}
		name := withoutProcs(strings.TrimPrefix(f[0], "Benchmark"))
		if runs[name] == nil {
			runs[name] = make(map[string][]float64)
			order = append(order, name)
		}
		for i := 2; i < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, "", fmt.Errorf("benchmark %s: %q is no number", name, f[i])
			}
			runs[name][f[i+1]] = append(runs[name][f[i+1]], v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, "", fmt.Errorf("read the benchmarks: %w", err)
	}
	for _, name := range order {
		metrics := make(map[string]float64, len(runs[name]))
		for unit, values := range runs[name] {
			metrics[unit] = median(values)
		}
		results = append(results, result{name, metrics})
	}
	return results, cpu, nil
}

// withoutProcs cuts the -N that go test appends.
func withoutProcs(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			return name[:i]
		}
	}
	return name
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
