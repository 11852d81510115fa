package bench

import (
	"fmt"
	"math/rand/v2"
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
// in front of a map of strings. "none" is the flattening alone.
func BenchmarkIndicators(b *testing.B) {
	lines := EVE()
	b.Run("eve-none/borj", func(b *testing.B) { readAllCPU(b, lines, flatten()) })
	for _, size := range []struct {
		name string
		n    int
	}{{"60k", 60_000}, {"5M", 5_000_000}} {
		b.Run("eve-"+size.name, func(b *testing.B) {
			b.Run("borj", func(b *testing.B) {
				build := indicator.NewBuilder(nil)
				indicators(size.n, func(kind observable.Kind, value string) {
					if err := build.Add(&indicator.Indicator{Term: indicator.Term{Kind: kind, Value: value}, Source: "feed"}); err != nil {
						b.Fatal(err)
					}
				})
				readAllCPU(b, lines, matchSet(build.Build()))
			})
			b.Run("map", func(b *testing.B) {
				var kinds observable.Kinds
				plain := map[string]struct{}{}
				indicators(size.n, func(kind observable.Kind, value string) {
					kinds |= observable.KindsOf(kind)
					plain[value] = struct{}{}
				})
				readAllCPU(b, lines, matchMap(kinds, plain))
			})
		})
	}
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

func matchMap(kinds observable.Kinds, plain map[string]struct{}) func([]byte) error {
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	extract := observable.NewExtractor(kinds)
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
