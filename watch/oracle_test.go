package watch

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"testing"

	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// publicRules compiles the public rule set.
func publicRules(tb testing.TB) *Rules {
	tb.Helper()
	return compileFile(tb, recorded.Path(tb, "sigma", "sigma-rules.tar.gz"))
}

// oracle evaluates every rule as the specification reads. Routes are asked
// once a record each, since thousands of rules share them.
type oracle struct {
	rules  []sigma.Routed
	route  []int // by rule
	routes []sigma.Expr
}

func newOracle(rules []sigma.Routed) *oracle {
	o := &oracle{rules: rules}
	numbers := map[string]int{}
	for i := range rules {
		key := sigma.ExprKey(rules[i].Route)
		n, ok := numbers[key]
		if !ok {
			n = len(o.routes)
			numbers[key] = n
			o.routes = append(o.routes, rules[i].Route)
		}
		o.route = append(o.route, n)
	}
	return o
}

func (o *oracle) match(rec *record.Record) (held []int) {
	met := make([]bool, len(o.routes))
	for i, e := range o.routes {
		met[i] = e == nil || sigma.Evaluate(e, rec)
	}
	generic := rec.Format == record.FormatJSON || rec.Format == record.FormatCSV
	for i := range o.rules {
		if met[o.route[i]] && (generic || !o.rules[i].Generic) && sigma.Evaluate(o.rules[i].Expr, rec) {
			held = append(held, i)
		}
	}
	return held
}

// eachRecord calls use, on every processor, with one of every step records of
// the recordings, and with the first of each kind of Windows event.
func eachRecord(t *testing.T, step int, table *record.Paths, worker func() func(*record.Record)) {
	t.Helper()
	var paths []string
	for _, p := range []string{"security-datasets", "suricata/pcap-runs", "zeek", "sigma/regression_data"} {
		paths = append(paths, recorded.Path(t, p))
	}
	src, err := record.Open(paths, record.Options{Auto: true})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	chunks := make(chan *record.Chunk)
	var wait sync.WaitGroup
	for range 2 {
		use := worker()
		wait.Go(func() {
			fl := record.NewFlattener(table, record.DefaultLimits)
			n, kinds := 0, map[string]bool{}
			for c := range chunks {
				c.Each(fl, func(_ int, rec *record.Record) {
					n++
					id, _ := rec.First("EventID")
					channel, _ := rec.First("Channel")
					if n%step == 0 || !kinds[channel+id] {
						kinds[channel+id] = true
						use(rec)
					}
				}, func(int, record.Reject) {})
				c.Release()
			}
		})
	}
	for {
		c, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		chunks <- c
	}
	close(chunks)
	wait.Wait()
}

// TestRulesAgreeWithOracle runs the public rule set over the recordings with
// both evaluators: over all of them under BORJ_SOAK=1, else over a sample.
func TestRulesAgreeWithOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("the sweep takes a while: not with -short")
	}
	step := 200
	if os.Getenv("BORJ_SOAK") == "1" {
		step = 1
	}
	rules := publicRules(t)
	o := newOracle(rules.Routed())
	var mu sync.Mutex
	records, hits, wrong := 0, 0, 0
	table := record.NewPaths(0)
	eachRecord(t, step, table, func() func(*record.Record) {
		var w = rules.matcher.NewWorker(table)
		return func(rec *record.Record) {
			got, want := w.Match(rec, nil), o.match(rec)
			mu.Lock()
			defer mu.Unlock()
			records++
			hits += len(want)
			if !slices.Equal(got, want) && wrong < 10 {
				wrong++
				t.Errorf("got %s\nthe oracle says %s\nof %.2000s", titles(rules, got), titles(rules, want), rec.Raw)
			}
		}
	})
	t.Logf("%d rules over %d records: %d hits, the same from both", len(rules.Routed()), records, hits)
	if records == 0 || hits == 0 {
		t.Error("nothing was compared")
	}
}

func titles(rules *Rules, list []int) (s string) {
	for _, i := range list {
		s += "[" + rules.routed[i].Rule.Title + " | " + rules.routed[i].Pipeline + "] "
	}
	return s
}
