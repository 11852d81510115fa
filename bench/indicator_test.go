package bench

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
)

// indicators calls add with n values of feeds: IPv4 addresses, domain names,
// SHA-256 hashes and URLs in equal parts. Few of them occur in EVE.
func indicators(n int, add func(kind observable.Kind, value string)) {
	g := generator{rand.New(rand.NewPCG(5, 6))}
	name := func() string { return g.hex(5+g.IntN(10)) + "." + g.pick("com", "net", "org", "info", "xyz", "co.uk") }
	for i := range n {
		switch i % 4 {
		case 0:
			add(observable.IPv4, fmt.Sprintf("%d.%d.%d.%d", 192+g.IntN(30), g.IntN(256), g.IntN(256), g.IntN(256)))
		case 1:
			add(observable.Domain, name())
		case 2:
			add(observable.SHA256, g.hex(64))
		case 3:
			add(observable.URL, "http://"+name()+"/"+g.hex(3+g.IntN(8))+"/"+g.hex(4+g.IntN(20))+".php")
		}
	}
}

// BenchmarkIndicators reads EVE records from bytes to hits against 60,000 and
// five million indicators: with the compiled set, and with the same extraction
// in front of a map of strings. "none" is the flattening alone. Generated
// addresses are all different, which spares no look-up the way to main memory;
// recorded ones come again, as they do in a network.
func BenchmarkIndicators(b *testing.B) {
	corpora := []struct {
		name  string
		lines func(testing.TB) [][]byte
	}{
		{"eve", func(testing.TB) [][]byte { return EVE() }},
		{"eve-recorded", recordedEVE},
	}
	for _, corpus := range corpora {
		b.Run(corpus.name+"-none/borj", func(b *testing.B) { readAllCPU(b, corpus.lines(b), flatten()) })
	}
	for _, size := range []struct {
		name string
		n    int
	}{{"60k", 60_000}, {"5M", 5_000_000}} {
		set := sync.OnceValue(func() *indicator.Set { return compiled(b, size.n) })
		for _, corpus := range corpora {
			b.Run(corpus.name+"-"+size.name+"/borj", func(b *testing.B) { readAllCPU(b, corpus.lines(b), matchSet(set())) })
		}
	}
	for _, size := range []struct {
		name string
		n    int
	}{{"60k", 60_000}, {"5M", 5_000_000}} {
		plain := sync.OnceValue(func() map[string]struct{} { return mapped(size.n) })
		for _, corpus := range corpora {
			b.Run(corpus.name+"-"+size.name+"/map", func(b *testing.B) { readAllCPU(b, corpus.lines(b), matchMap(plain())) })
		}
	}
}

func compiled(b *testing.B, n int) *indicator.Set {
	build := indicator.NewBuilder(nil)
	indicators(n, func(kind observable.Kind, value string) {
		if err := build.Add(&indicator.Indicator{Term: indicator.Term{Kind: kind, Value: value}, Source: "feed"}); err != nil {
			b.Fatal(err)
		}
	})
	return build.Build()
}

func mapped(n int) map[string]struct{} {
	plain := map[string]struct{}{}
	indicators(n, func(_ observable.Kind, value string) { plain[value] = struct{}{} })
	return plain
}

// readAllCPU is readAll with one figure more: the rate by processor time, which
// other work on the machine does not lower.
func readAllCPU(b *testing.B, lines [][]byte, read func([]byte) error) {
	start := cpuTime(b)
	readAll(b, lines, read)
	passes := int64(b.N) + 1 // readAll begins with one to learn the paths
	b.ReportMetric(float64(passes*Bytes(lines))/1e6/(cpuTime(b)-start).Seconds(), "MB/cpu-s")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func matchSet(set *indicator.Set) func([]byte) error {
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	extract := observable.NewExtractor(set.Kinds())
	worker := indicator.NewWorker(time.Now)
	var obs []observable.Observable
	hits := 0
	return func(line []byte) error {
		rec, err := fl.Flatten(line, record.FormatEVE)
		if err != nil {
			return err
		}
		obs = extract.Extract(rec, obs[:0])
		set.Match(worker, rec, obs, func(*indicator.Hit) { hits++ })
		return nil
	}
}

func matchMap(plain map[string]struct{}) func([]byte) error {
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	extract := observable.NewExtractor(observable.KindsOf(observable.IPv4, observable.Domain, observable.SHA256, observable.URL))
	var obs []observable.Observable
	hits := 0
	return func(line []byte) error {
		rec, err := fl.Flatten(line, record.FormatEVE)
		if err != nil {
			return err
		}
		obs = extract.Extract(rec, obs[:0])
		for i := range obs {
			if _, ok := plain[string(obs[i].Value)]; ok {
				hits++
			}
		}
		return nil
	}
}
