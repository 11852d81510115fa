package indicator

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"borj.dev/borj/watch/observable"
)

func TestTableFindsWhatAMapFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.MapOf(rapid.StringMatching(`[ab\x00\xff]{0,12}`), rapid.Uint32()).Draw(t, "keys")
		var tab table
		for _, k := range slices.Sorted(func(yield func(string) bool) {
			for k := range keys {
				if !yield(k) {
					return
				}
			}
		}) {
			tab.append([]byte(k), keys[k])
		}
		check := func(k string) {
			want, ok := keys[k]
			if got, found := tab.find([]byte(k)); got != want || found != ok {
				t.Fatalf("find(%q) = %d, %v; want %d, %v", k, got, found, want, ok)
			}
		}
		for k := range keys {
			check(k)
		}
		for range 20 {
			check(rapid.StringMatching(`[ab\x00\xff]{0,13}`).Draw(t, "probe"))
		}
		n := 0
		for c := (cursor{rest: tab.data}); c.next(); n++ {
			if keys[string(c.key)] != c.number {
				t.Fatalf("the cursor reads %q: %d", c.key, c.number)
			}
		}
		if n != len(keys) {
			t.Fatalf("the cursor reads %d of %d keys", n, len(keys))
		}
	})
}

// TestKeysRoundTrip holds that a key says all about its value, so that equal
// keys are equal values.
func TestKeysRoundTrip(t *testing.T) {
	for k := observable.IPv4; observable.AllKinds.Has(k); k++ {
		if k >= 1<<kindBits {
			t.Fatalf("kind %s does not fit into a tag", k)
		}
		value := map[observable.Kind]string{
			observable.IPv4: "192.0.2.1", observable.IPv6: "2001:db8::1", observable.URL: "https://a.example/x", observable.Email: "a@b.example",
			observable.SHA1: "0123456789abcdef0123456789abcdef01234567", observable.CertSHA1: "0123456789abcdef0123456789abcdef01234567",
			observable.JA4: "t13d1516h2_8daaf6152771_b186095e22b6",
		}[k]
		switch k {
		case observable.MD5, observable.Imphash, observable.JA3, observable.JA3S:
			value = "0123456789abcdef0123456789abcdef"
		case observable.SHA256, observable.CertSHA256:
			value = fmt.Sprintf("%064x", 12345)
		case observable.SHA512:
			value = fmt.Sprintf("%0128x", 12345)
		case observable.SourcePort, observable.DestinationPort:
			value = "443"
		}
		if value == "" {
			value = "some.text"
		}
		key := appendKey(nil, tagOf(k, Exact), []byte(value))
		if back := string(appendHashed(nil, key)); back != value || tag(key[0]).kind() != k || tag(key[0]).match() != Exact {
			t.Errorf("%s %q comes back as %q", k, value, back)
		}
	}
	for _, u := range []string{"http://a/", "https://a/", "ftp://a/", "ws://a/", "httpx://a/"} {
		if back := string(appendHashed(nil, appendKey(nil, tagOf(observable.URL, URLPrefix), []byte(u)))); back != u {
			t.Errorf("%q comes back as %q", u, back)
		}
	}
}

func TestFilter(t *testing.T) {
	const n = 20_000
	f := newFilter(n)
	r := rand.New(rand.NewPCG(1, 2))
	var in []uint64
	for range n {
		h := r.Uint64()
		in = append(in, h)
		f.add(h)
	}
	for _, h := range in {
		if f.missing(h) != 0 {
			t.Fatalf("%x was added, and is said to be missing", h)
		}
	}
	wrong := 0
	for range 10 * n {
		if f.missing(r.Uint64()) == 0 {
			wrong++
		}
	}
	if share := float64(wrong) / (10 * n); share > 0.004 {
		t.Errorf("wrong in %.2f %% of the answers", 100*share)
	} else {
		t.Logf("wrong in %.2f %% of the answers", 100*share)
	}
}

// TestHashesDecideNothing holds that a set is right when every hash collides:
// with a filter that says yes to all.
func TestHashesDecideNothing(t *testing.T) {
	s := build(t, nil,
		term(observable.Domain, Exact, "bad.example"), term(observable.Domain, Subdomains, "worse.example"),
		term(observable.IPv4, CIDR, "192.0.2.0/24"), term(observable.URL, URLPrefix, "http://bad.example/x"))
	for _, f := range s.filters {
		if f == nil {
			continue
		}
		for i := range f.blocks {
			for j := range f.blocks[i] {
				f.blocks[i][j] = math.MaxUint64
			}
		}
	}
	got := hits(t, s, `{"src_ip":"192.0.3.1","dest_ip":"192.0.2.1","dns":{"query":[{"rrname":"good.example"},{"rrname":"a.worse.example"},{"rrname":"bad.example"}]},"http":{"hostname":"bad.example","url":"/y"}}`)
	want := []string{"ipv4-addr 192.0.2.0/24 in dest_ip", "domain-name *.worse.example in dns.query[1].rrname", "domain-name bad.example in dns.query[2].rrname http.hostname"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunsMerge(t *testing.T) {
	b := NewBuilder(nil)
	want := map[string]bool{}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 5000 {
		in := term(observable.Domain, Exact, fmt.Sprintf("n%d.example", r.IntN(2000)))
		in.Source = fmt.Sprint("s", i%3)
		if err := b.Add(&in); err != nil {
			t.Fatal(err)
		}
		want[in.Value] = true
		if i%700 == 0 {
			b.seal()
		}
	}
	s := b.Build()
	if s.keys.n != len(want) {
		t.Errorf("%d keys, want %d", s.keys.n, len(want))
	}
	var last []byte
	for c := (cursor{rest: s.keys.data}); c.next(); {
		if last != nil && bytes.Compare(last, c.key) >= 0 {
			t.Fatalf("%q comes after %q", c.key, last)
		}
		last = append(last[:0], c.key...)
		if !want[string(c.key[1:])] {
			t.Fatalf("%q was never added", c.key)
		}
	}
}
