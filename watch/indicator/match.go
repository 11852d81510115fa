package indicator

import (
	"bytes"
	"net/netip"
	"time"

	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
)

// Worker is the memory of one matching goroutine. It may be used with one set
// after another.
type Worker struct {
	now      func() time.Time
	keys     []byte // of the findings
	fold     []byte
	findings []finding
	partials []partial
	hits     []Hit
	rec      *record.Record
	at       time.Time // of rec, once it was asked for
}

// finding is an entry of the set that the record holds.
type finding struct {
	start, end int // of its key in Worker.keys
	kind       observable.Kind
	pattern    *pattern // instead of a key
	number     uint32   // of its owner, or of a list of them
	places     []place
}

// place is where an observable stands.
type place struct {
	field int32
	role  observable.Role
}

// NewWorker returns a Worker. now gives the time of records that have none.
func NewWorker(now func() time.Time) *Worker { return &Worker{now: now} }

// urlGate tags the scheme and host of URL prefixes in the filter.
const urlGate = tag(0xff)

// Match calls yield with each indicator that the record's observables hit, once
// for each: first single values in the order in which the record shows them,
// then those of several terms. An indicator hits only within its validity at
// the record's time; a record without a time happens now. What yield is given
// holds until it returns.
func (s *Set) Match(w *Worker, rec *record.Record, obs []observable.Observable, yield func(*Hit)) {
	w.findings, w.keys = w.findings[:0], w.keys[:0]
	for i := range obs {
		if o := &obs[i]; s.kinds.Has(o.Kind) {
			s.find(w, o)
		}
	}
	if len(w.findings) > 0 {
		w.rec, w.at = rec, time.Time{}
		s.report(w, yield)
	}
}

// find notes every entry that covers o.
func (s *Set) find(w *Worker, o *observable.Observable) {
	if s.exact.Has(o.Kind) {
		s.look(w, tagOf(o.Kind, Exact), o.Value, o)
	}
	switch o.Kind {
	case observable.Domain:
		if s.subdomains.Has(observable.Domain) {
			s.walkLabels(w, o.Value, o)
		}
	case observable.IPv4, observable.IPv6:
		if s.prefixes != nil {
			if a, ok := observable.Addr(o.Value); ok && s.prefixes.Lookup(a) {
				s.walkPrefixes(w, a, a.BitLen(), o)
			}
		}
	case observable.URL:
		if s.subdomains.Has(observable.URL) {
			s.walkLabels(w, hostOf(o.Value), o)
		}
		if len(s.urlLengths) > 0 {
			s.walkURL(w, o)
		}
	}
	if p := s.patterns.byKind[o.Kind]; len(p) > 0 {
		s.tryPatterns(w, p, o)
	}
}

// look finds the entry of a value: the filter rules nearly all out, and the
// table compares the full key of what is left.
func (s *Set) look(w *Worker, t tag, value []byte, o *observable.Observable) {
	if !s.filter.has(s.filter.hash(t, value)) {
		return
	}
	start := len(w.keys)
	w.keys = appendKey(w.keys, t, value)
	s.confirm(w, start, o)
}

// confirm notes the entry of the key that stands in w.keys from start on.
func (s *Set) confirm(w *Worker, start int, o *observable.Observable) {
	key := w.keys[start:]
	for i := range w.findings {
		if f := &w.findings[i]; bytes.Equal(w.keys[f.start:f.end], key) {
			f.places = append(f.places, place{o.Field, o.Role})
			w.keys = w.keys[:start]
			return
		}
	}
	number, ok := s.keys.find(key)
	if !ok {
		w.keys = w.keys[:start]
		return
	}
	f := w.newFinding()
	f.start, f.end, f.kind, f.pattern, f.number = start, len(w.keys), o.Kind, nil, number
	f.places = append(f.places, place{o.Field, o.Role})
}

func (w *Worker) newFinding() *finding {
	if len(w.findings) < cap(w.findings) {
		w.findings = w.findings[:len(w.findings)+1]
	} else {
		w.findings = append(w.findings, finding{})
	}
	f := &w.findings[len(w.findings)-1]
	f.places = f.places[:0]
	return f
}

// walkLabels looks up a name and every name above it.
func (s *Set) walkLabels(w *Worker, name []byte, o *observable.Observable) {
	for {
		s.look(w, tagOf(o.Kind, Subdomains), name, o)
		dot := bytes.IndexByte(name, '.')
		if dot < 0 {
			return
		}
		name = name[dot+1:]
	}
}

// walkPrefixes looks up the prefixes of at most longest bits that hold a.
func (s *Set) walkPrefixes(w *Worker, a netip.Addr, longest int, o *observable.Observable) {
	family := 0
	if a.Is6() {
		family = 1
	}
	for _, bits := range s.prefixLengths[family] {
		if bits > longest {
			return
		}
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		start := len(w.keys)
		w.keys = appendPrefixKey(w.keys, o.Kind, p)
		if key := w.keys[start:]; s.filter.has(s.filter.hash(tag(key[0]), key[1:])) {
			s.confirm(w, start, o)
		} else {
			w.keys = w.keys[:start]
		}
	}
}

// walkURL looks up the prefixes of a URL, if any begins with its host.
func (s *Set) walkURL(w *Worker, o *observable.Observable) {
	u := o.Value
	if !s.filter.has(s.filter.hash(urlGate, u[:authorityEnd(u)])) {
		return
	}
	for _, n := range s.urlLengths {
		if n > len(u) {
			return
		}
		s.look(w, tagOf(observable.URL, URLPrefix), u[:n], o)
	}
}

func (s *Set) tryPatterns(w *Worker, list []pattern, o *observable.Observable) {
	w.fold = append(w.fold[:0], bytes.ToLower(o.Value)...)
	for i := range list {
		p := &list[i]
		if !p.matches(o.Value, w.fold) {
			continue
		}
		f := (*finding)(nil)
		for j := range w.findings {
			if w.findings[j].pattern == p {
				f = &w.findings[j]
			}
		}
		if f == nil {
			f = w.newFinding()
			f.start, f.end, f.kind, f.pattern, f.number = 0, 0, o.Kind, p, p.owner
		}
		f.places = append(f.places, place{o.Field, o.Role})
	}
}

// authorityEnd returns where the path of a canonical URL begins.
func authorityEnd(u []byte) int {
	i := bytes.Index(u, []byte("://")) + 3
	if j := bytes.IndexByte(u[i:], '/'); j >= 0 {
		return i + j
	}
	return len(u)
}

// hostOf returns the host of a canonical URL, without user and port.
func hostOf(u []byte) []byte {
	h := u[:authorityEnd(u)]
	h = h[bytes.Index(h, []byte("://"))+3:]
	if i := bytes.LastIndexByte(h, '@'); i >= 0 {
		h = h[i+1:]
	}
	if i := bytes.LastIndexByte(h, ':'); i >= 0 && bytes.IndexByte(h[i:], ']') < 0 {
		h = h[:i]
	}
	return h
}
