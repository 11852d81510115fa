package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/match"
	"borj.dev/borj/watch/sigma/pipeline"
)

// publicRules loads and compiles the public rule set.
func publicRules(b testing.TB) *watch.Rules {
	set, err := sigma.Load([]string{recorded.Path(b, "sigma", "sigma-rules.tar.gz")}, sigma.Options{})
	if err != nil {
		b.Fatal(err)
	}
	pipelines, err := pipeline.Load(true, nil)
	if err != nil {
		b.Fatal(err)
	}
	rules, err := watch.CompileRules(set, pipelines)
	if err != nil {
		b.Fatal(err)
	}
	return rules
}

// recordings holds the Windows events of the public recordings, all of them
// and by kind.
type recordings struct {
	all    [][]byte
	byKind map[string][][]byte // "sysmon 10", "security 4688" …
}

func readRecordings(b testing.TB) *recordings {
	r := &recordings{byKind: map[string][][]byte{}}
	src, err := record.Open([]string{recorded.Path(b, "security-datasets", "atomic", "windows")}, record.Options{Auto: true})
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	for {
		c, err := src.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			b.Fatal(err)
		}
		c.Each(fl, func(_ int, rec *record.Record) {
			raw := slices.Clone(rec.Raw)
			r.all = append(r.all, raw)
			id, _ := rec.First("EventID")
			channel, _ := rec.First("Channel")
			kind := shortChannel(channel) + "-" + id
			r.byKind[kind] = append(r.byKind[kind], raw)
		}, func(int, record.Reject) {})
		c.Release()
	}
}

func shortChannel(channel string) string {
	name := strings.ToLower(strings.TrimSuffix(channel, "/Operational"))
	name = strings.TrimPrefix(name, "microsoft-windows-")
	return strings.ReplaceAll(name, " ", "-")
}

// BenchmarkSigma evaluates the whole public rule set, reading included.
func BenchmarkSigma(b *testing.B) {
	rules := publicRules(b)
	events := readRecordings(b)
	processes := slices.Concat(events.byKind["sysmon-1"], events.byKind["security-4688"])
	b.Run("mix/borj", func(b *testing.B) { evaluate(b, rules, events.all) })
	b.Run("mix/oracle", func(b *testing.B) { evaluatePlainly(b, rules, every(events.all, 1000)) })
	b.Run("process-creation/borj", func(b *testing.B) { evaluate(b, rules, processes) })
	b.Run("process-creation/oracle", func(b *testing.B) { evaluatePlainly(b, rules, every(processes, 20)) })
	var kinds []string
	for kind, events := range events.byKind {
		if len(events) >= 100 {
			kinds = append(kinds, kind)
		}
	}
	slices.SortFunc(kinds, func(x, y string) int { return len(events.byKind[y]) - len(events.byKind[x]) })
	for _, kind := range kinds {
		b.Run(kind+"/borj", func(b *testing.B) { evaluate(b, rules, events.byKind[kind]) })
	}
}

// every returns one of each n events.
func every(events [][]byte, n int) (some [][]byte) {
	for i := 0; i < len(events); i += n {
		some = append(some, events[i])
	}
	return some
}

// evaluate reports events and bytes by processor time.
func evaluate(b *testing.B, rules *watch.Rules, events [][]byte) {
	matcher, err := match.Compile(rules.Routed())
	if err != nil {
		b.Fatal(err)
	}
	paths := record.NewPaths(0)
	fl, w := record.NewFlattener(paths, record.DefaultLimits), matcher.NewWorker(paths)
	var held []int
	pass := func() {
		for _, raw := range events {
			if rec, err := fl.Flatten(raw, record.FormatWindows); err == nil {
				held = w.Match(rec, held[:0])
			}
		}
	}
	pass()
	b.ReportAllocs()
	reportEvents(b, events, pass)
}

// reportEvents runs pass, which goes over all events once.
func reportEvents(b *testing.B, events [][]byte, pass func()) {
	start := cpuTime(b)
	for b.Loop() {
		pass()
	}
	spent := (cpuTime(b) - start).Seconds()
	b.ReportMetric(float64(b.N*len(events))/spent, "events/s")
	b.ReportMetric(float64(int64(b.N)*Bytes(events))/1e6/spent, "MB/s")
	b.ReportMetric(float64(len(events)), "events")
}

// evaluatePlainly does the same with the evaluator that reads like the
// specification. Rules share routes, so it asks each route once a record.
func evaluatePlainly(b *testing.B, rules *watch.Rules, events [][]byte) {
	type group struct {
		route sigma.Expr
		rules []sigma.Expr
	}
	var groups []*group
	byRoute := map[string]*group{}
	for _, r := range rules.Routed() {
		if r.Generic {
			continue
		}
		key := fmt.Sprintf("%p", r.Route)
		if g := byRoute[key]; g != nil {
			g.rules = append(g.rules, r.Expr)
			continue
		}
		g := &group{r.Route, []sigma.Expr{r.Expr}}
		byRoute[key] = g
		groups = append(groups, g)
	}
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	held := 0
	reportEvents(b, events, func() {
		for _, raw := range events {
			rec, err := fl.Flatten(raw, record.FormatWindows)
			if err != nil {
				continue
			}
			for _, g := range groups {
				if g.route != nil && !sigma.Evaluate(g.route, rec) {
					continue
				}
				for _, e := range g.rules {
					if sigma.Evaluate(e, rec) {
						held++
					}
				}
			}
		}
	})
}

// BenchmarkRules measures what a start costs.
func BenchmarkRules(b *testing.B) {
	b.Run("load/borj", func(b *testing.B) {
		start := time.Now()
		n := 0
		for b.Loop() {
			n = publicRules(b).Loaded()
		}
		b.ReportMetric(time.Since(start).Seconds()/float64(b.N), "s")
		b.ReportMetric(float64(n), "rules")
	})
	b.Run("indexes/borj", func(b *testing.B) {
		before := heap()
		rules := publicRules(b)
		after := heap()
		for b.Loop() {
			runtime.KeepAlive(rules)
		}
		b.ReportMetric(float64(rules.Memory())/1e6, "MB")
		b.ReportMetric(float64(after-before)/1e6, "MB-all")
	})
}

// heap returns the bytes in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// nowhere counts what a scan finds.
type nowhere struct{ hits int }

func (n *nowhere) Hit(*watch.Hit) error       { n.hits++; return nil }
func (n *nowhere) Reject(record.Reject) error { return nil }

// BenchmarkScan measures the whole scan of the recordings, decompression
// included, with one worker and with two.
func BenchmarkScan(b *testing.B) {
	rules := publicRules(b)
	dir := recorded.Path(b, "security-datasets", "atomic", "windows")
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers-%d/borj", workers), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
			var events int64
			for b.Loop() {
				src, err := record.Open([]string{dir}, record.Options{Auto: true})
				if err != nil {
					b.Fatal(err)
				}
				result, err := watch.Run(context.Background(), src, &watch.Sets{Rules: rules}, &nowhere{}, watch.Options{Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				events += result.Events
				if err := src.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// repeated gives the same lines again and again, n bytes in all.
type repeated struct {
	lines []byte
	at, n int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.n <= 0 {
		return 0, io.EOF
	}
	k := copy(p[:min(len(p), r.n)], r.lines[r.at:])
	r.at = (r.at + k) % len(r.lines)
	r.n -= k
	return k, nil
}

// BenchmarkMemory scans more and more of the same with the whole rule set: what
// the process needs must not grow with it.
func BenchmarkMemory(b *testing.B) {
	rules := publicRules(b)
	lines := append(bytes.Join(EVE(), []byte{'\n'}), '\n')
	for _, size := range []struct {
		name string
		n    int
	}{{"64MB", 64 << 20}, {"1GB", 1 << 30}} {
		b.Run("eve-"+size.name+"/borj", func(b *testing.B) {
			var peak uint64
			for b.Loop() {
				src, err := record.Open([]string{"-"}, record.Options{Auto: true, Stdin: &repeated{lines: lines, n: size.n}})
				if err != nil {
					b.Fatal(err)
				}
				watchMemory := func(watch.Progress) {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapInuse+m.StackInuse)
				}
				if _, err := watch.Run(context.Background(), src, &watch.Sets{Rules: rules}, &nowhere{}, watch.Options{Workers: 2, Progress: watchMemory}); err != nil {
					b.Fatal(err)
				}
				if err := src.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(peak)/1e6, "MB")
		})
	}
}
