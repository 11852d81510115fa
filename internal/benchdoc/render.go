package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ours is the last element of the names of our own benchmarks; other last
// elements name rivals.
const ours = "borj"

// render writes the page.
func render(results []result, machine string, goals []goal) string {
	by := make(map[string]result, len(results))
	for _, r := range results {
		by[r.name] = r
	}
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; do not edit. Ratios hold, absolute figures drift with the machine:\nrivals ran in the same run. Each figure is the median of its runs.\n\n")
	fmt.Fprintf(&b, "Measured on: %s.\n\n## Goals\n\n| goal | wanted | measured | |\n|---|---|---|---|\n", machine)
	for _, g := range goals {
		b.WriteString(g.row(results, by))
	}
	for _, s := range sections {
		var rows strings.Builder
		for _, r := range results {
			if in(r.name, s.group) && !isRival(r.name, by) {
				rows.WriteString(row(r, results))
			}
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| benchmark | measured | best rival | ratio | per operation |\n|---|---|---|---|---|\n%s", s.title, s.note, rows.String())
		}
	}
	return b.String()
}

// in tells whether a benchmark belongs to a group; "" takes what is in none.
func in(name, group string) bool {
	first, _, _ := strings.Cut(name, "/")
	if group != "" {
		return first == group
	}
	for _, s := range sections {
		if s.group == first {
			return false
		}
	}
	return true
}

// isRival tells whether a benchmark is shown beside one of ours.
func isRival(name string, by map[string]result) bool {
	i := strings.LastIndexByte(name, '/')
	if i < 0 || name[i+1:] == ours {
		return false
	}
	_, beside := by[name[:i+1]+ours]
	return beside
}

func row(r result, results []result) string {
	unit := r.unit()
	rival, ratio := "", ""
	if best, ok := bestRival(r.name, unit, results); ok {
		rival = fmt.Sprintf("%s: %s", path.Base(best.name), figure(best.metrics[unit], unit))
		q := r.metrics[unit] / best.metrics[unit]
		if !more(unit) {
			q = 1 / q
		}
		ratio = fmt.Sprintf("%.2f ×", q)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", strings.TrimSuffix(r.name, "/"+ours),
		figure(r.metrics[unit], unit), rival, ratio, r.memory())
}

func (g goal) row(results []result, by map[string]result) string {
	sign := "≤"
	if g.least {
		sign = "≥"
	}
	what := fmt.Sprintf("%s, %s", strings.TrimSuffix(g.bench, "/"+ours), g.unit)
	wanted := sign + " " + figure(g.value, g.unit)
	got, measured := by[g.bench].metrics[g.unit]
	shown := figure(got, g.unit)
	if g.versus != "" {
		other, ok := by[g.versus]
		if g.versus == "*" {
			other, ok = bestRival(g.bench, g.unit, results)
		}
		wanted = fmt.Sprintf("%s %g × the best rival", sign, g.value)
		if g.versus != "*" {
			wanted = fmt.Sprintf("%s %g × %s", sign, g.value, g.versus)
		}
		measured = measured && ok && other.metrics[g.unit] > 0
		if measured {
			got /= other.metrics[g.unit]
			shown = fmt.Sprintf("%.2f × (%s)", got, other.name)
		}
	}
	switch {
	case !measured:
		return fmt.Sprintf("| %s | %s | not measured | |\n", what, wanted)
	case g.least == (got >= g.value) || got == g.value:
		return fmt.Sprintf("| %s | %s | %s | reached |\n", what, wanted, shown)
	}
	return fmt.Sprintf("| %s | %s | %s | **not reached** |\n", what, wanted, shown)
}

// bestRival finds the best of those measured beside a benchmark of ours.
func bestRival(name, unit string, results []result) (best result, found bool) {
	prefix, ok := strings.CutSuffix(name, ours)
	if !ok {
		return result{}, false
	}
	for _, r := range results {
		v, has := r.metrics[unit]
		rest, beside := strings.CutPrefix(r.name, prefix)
		if !has || !beside || rest == ours || strings.Contains(rest, "/") {
			continue
		}
		if !found || (v > best.metrics[unit]) == more(unit) {
			best, found = r, true
		}
	}
	return best, found
}

// unit is the metric that says most about a benchmark.
func (r result) unit() string {
	for _, u := range []string{"events/s", "observables/s", "rules/s", "MB/cpu-s", "MB/s", "s", "MB"} {
		if _, ok := r.metrics[u]; ok {
			return u
		}
	}
	return "ns/op"
}

// more tells whether a higher number is the better one.
func more(unit string) bool {
	return strings.HasSuffix(unit, "/s") || strings.HasSuffix(unit, "/cpu-s")
}

func (r result) memory() string {
	var parts []string
	for _, unit := range slices.Sorted(maps.Keys(r.metrics)) {
		if v := r.metrics[unit]; unit != r.unit() && (unit != "ns/op" || v > 0) {
			parts = append(parts, figure(v, unit))
		}
	}
	return strings.Join(parts, ", ")
}

// figure writes a number with about three digits that count.
func figure(v float64, unit string) string {
	switch unit {
	case "ns/op":
		return duration(v)
	case "B/op", "allocs/op":
		return thousands(v) + " " + unit
	}
	if v >= 100 {
		return thousands(v) + " " + unit
	}
	return strconv.FormatFloat(v, 'g', 3, 64) + " " + unit
}

func duration(ns float64) string {
	for _, u := range []struct {
		name string
		ns   float64
	}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
		if ns >= u.ns {
			return strconv.FormatFloat(ns/u.ns, 'f', 2, 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(ns, 'f', 1, 64) + " ns"
}

func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
