package indicator

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
)

// mixed calls add with n indicators, the same each time: a quarter each of
// IPv4 addresses, domain names, SHA-256 hashes and URLs, as long as those of
// public feeds are.
func mixed(n int, add func(*Indicator)) {
	r := rand.New(rand.NewPCG(7, 8))
	hexadecimal := func(n int) string {
		b := make([]byte, n/2)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return hex.EncodeToString(b)
	}
	label := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "etaoinshrdlucmfwypvbgkjqxz0123456789"[min(r.IntN(36), r.IntN(36))]
		}
		return string(b)
	}
	tops := []string{"com", "com", "com", "net", "org", "info", "xyz", "top", "ru", "cn", "co.uk", "online"}
	name := func() string {
		s := label(5+r.IntN(12)) + "." + tops[r.IntN(len(tops))]
		if r.IntN(3) == 0 {
			s = label(2+r.IntN(6)) + "." + s
		}
		return s
	}
	in := Indicator{Confidence: -1}
	for i := range n {
		in.Source = []string{"blocklist.txt", "feed.csv", "urls.txt"}[r.IntN(3)]
		switch i % 4 {
		case 0:
			in.Term = Term{Kind: observable.IPv4, Value: fmt.Sprintf("%d.%d.%d.%d", 192+r.IntN(30), r.IntN(256), r.IntN(256), r.IntN(256))}
		case 1:
			in.Term = Term{Kind: observable.Domain, Value: name()}
		case 2:
			in.Term = Term{Kind: observable.SHA256, Value: hexadecimal(64)}
		case 3:
			in.Term = Term{Kind: observable.URL, Value: "http://" + name() + "/" + label(3+r.IntN(8)) + "/" + label(4+r.IntN(20)) + "." + []string{"exe", "php", "html", "sh"}[r.IntN(4)]}
		}
		add(&in)
	}
}

func buildMixed(t testing.TB, n int) *Set {
	b := NewBuilder(nil)
	mixed(n, func(in *Indicator) {
		if err := b.Add(in); err != nil {
			t.Fatal(err)
		}
	})
	return b.Build()
}

// heap returns the bytes that are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemory holds half a million indicators to their tenth of the 150 MB that
// five million may take; BenchmarkBuild measures those.
func TestMemory(t *testing.T) {
	before := heap()
	s := buildMixed(t, 500_000)
	used := heap() - before
	if used > 15e6 {
		t.Errorf("%d indicators take %.1f MB", s.Stats().Distinct, float64(used)/1e6)
	}
	runtime.KeepAlive(s)
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{60_000, 5_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before := heap()
				s := buildMixed(b, n)
				b.ReportMetric(float64(heap()-before)/1e6, "MB")
				b.ReportMetric(float64(len(s.keys.data))/1e6, "MB-keys")
				runtime.KeepAlive(s)
			}
		})
	}
}

// BenchmarkLook measures one look-up of a value that is not in the set, and of
// one that is, against a map of strings.
func BenchmarkLook(b *testing.B) {
	for _, n := range []int{60_000, 5_000_000} {
		s := NewBuilder(nil)
		plain := map[string]uint32{}
		var in, out []observable.Observable
		mixed(n, func(i *Indicator) {
			if err := s.Add(i); err != nil {
				b.Fatal(err)
			}
			plain[i.Value] = 1
			if i.Kind == observable.Domain && len(in) < 1<<14 {
				in = append(in, observable.Observable{Kind: i.Kind, Value: []byte(i.Value)})
				out = append(out, observable.Observable{Kind: i.Kind, Value: []byte("x-" + i.Value)})
			}
		})
		set := s.Build()
		w := NewWorker(time.Now)
		for _, c := range []struct {
			name string
			obs  []observable.Observable
		}{{"absent", out}, {"present", in}} {
			b.Run(fmt.Sprintf("%d/%s/borj", n, c.name), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					w.reset(set)
					set.ask(w, &c.obs[i%len(c.obs)])
					set.answer(w)
				}
			})
			b.Run(fmt.Sprintf("%d/%s/map", n, c.name), func(b *testing.B) {
				found := 0
				for i := 0; b.Loop(); i++ {
					if _, ok := plain[string(c.obs[i%len(c.obs)].Value)]; ok {
						found++
					}
				}
			})
		}
	}
}

func TestMatchAllocatesNothingWithoutAHit(t *testing.T) {
	s := buildMixed(t, 1000)
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	rec, err := fl.Flatten([]byte(`{"src_ip":"10.0.0.1","dest_ip":"2001:db8::1","dns":{"rrname":"good.example"},"fileinfo":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}}`), record.FormatEVE)
	if err != nil {
		t.Fatal(err)
	}
	w, e := NewWorker(time.Now), observable.NewExtractor(s.Kinds())
	var obs []observable.Observable
	once := func() {
		obs = e.Extract(rec, obs[:0])
		s.Match(w, rec, obs, func(h *Hit) { t.Errorf("%s hits", h.Value) })
	}
	once()
	if n := testing.AllocsPerRun(100, once); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}
