package indicator

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"time"

	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
)

// Worker is the memory of one matching goroutine. It may be used with one set
// after another.
type Worker struct {
	now      func() time.Time
	asked    []question
	prefixes []byte // values of questions about CIDR prefixes
	keys     []byte // of the findings
	fold     []byte
	findings []finding
	partials []partial
	common   []common
	ofRule   map[uint32]int // index into partials
	hits     []Hit
	rec      *record.Record
	at       time.Time // of rec, once it was asked for

	// absent holds hashes of values that the filters of set lack: most values of
	// a record were in the records just before it. A hash has 64 bits and a
	// secret seed, so no sender can make two values be taken for each other.
	absent [1 << 11]uint64
	set    *Set
}

// question is a look-up that is to be made.
type question struct {
	hash  uint64
	value []byte // as it is hashed
	o     *observable.Observable
	tag   tag
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
func NewWorker(now func() time.Time) *Worker { return &Worker{now: now, ofRule: map[uint32]int{}} }

// urlGate tags the scheme and host of URL prefixes in the filter.
const urlGate = tag(0xff)

// Match calls yield with each indicator that the record's observables hit, once
// for each, in the order of the first field that each matched. An indicator
// hits only within its validity at the record's time; a record without a time
// happens now. What yield is given holds until it returns.
func (s *Set) Match(w *Worker, rec *record.Record, obs []observable.Observable, yield func(*Hit)) {
	w.reset(s)
	for i := range obs {
		if o := &obs[i]; s.kinds.Has(o.Kind) {
			s.ask(w, o)
		}
	}
	s.answer(w)
	if len(w.findings) > 0 {
		w.rec, w.at = rec, time.Time{}
		s.report(w, yield)
	}
}

func (w *Worker) reset(s *Set) {
	if w.set != s {
		w.set = s
		clear(w.absent[:])
	}
	w.asked, w.prefixes, w.findings, w.keys = w.asked[:0], w.prefixes[:0], w.findings[:0], w.keys[:0]
}

// ask asks for every entry that could cover o.
func (s *Set) ask(w *Worker, o *observable.Observable) {
	s.askFor(w, tagOf(o.Kind, Exact), o.Value, o)
	switch o.Kind {
	case observable.Domain:
		s.askLabels(w, o.Value, o)
	case observable.IPv4, observable.IPv6:
		if s.prefixes != nil {
			if a, ok := observable.Addr(o.Value); ok && s.prefixes.Lookup(a) {
				s.askPrefixes(w, a, a.BitLen(), o)
			}
		}
	case observable.URL:
		if s.filters[tagOf(observable.URL, Subdomains)] != nil {
			s.askLabels(w, hostOf(o.Value), o)
		}
		if len(s.urlLengths) > 0 {
			s.askURL(w, o)
		}
	}
	if p := s.patterns.byKind[o.Kind]; len(p) > 0 {
		s.tryPatterns(w, p, o)
	}
}

func (s *Set) askFor(w *Worker, t tag, value []byte, o *observable.Observable) {
	if s.filters[t] == nil {
		return
	}
	h := maphash.Bytes(s.seed, value)
	if w.absent[h%uint64(len(w.absent))] != h^uint64(t) {
		w.asked = append(w.asked, question{h, value, o, t})
	}
}

// answer makes the look-ups: a filter rules nearly all out, and the table
// compares the full key of what is left. The filters are read in a loop that
// does nothing else, so that the processor waits for all of them at once.
func (s *Set) answer(w *Worker) {
	for i := range w.asked {
		q := &w.asked[i]
		h := q.hash
		if q.hash = s.filters[q.tag].missing(h); q.hash != 0 {
			w.absent[h%uint64(len(w.absent))] = h ^ uint64(q.tag)
		}
	}
	for i := range w.asked {
		if q := &w.asked[i]; q.hash == 0 {
			start := len(w.keys)
			w.keys = appendKey(w.keys, q.tag, q.value)
			s.confirm(w, start, q.o)
		}
	}
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

// askLabels asks for a name and every name above it.
func (s *Set) askLabels(w *Worker, name []byte, o *observable.Observable) {
	t := tagOf(o.Kind, Subdomains)
	for s.filters[t] != nil {
		s.askFor(w, t, name, o)
		dot := bytes.IndexByte(name, '.')
		if dot < 0 {
			return
		}
		name = name[dot+1:]
	}
}

// family is the index of an address's prefixLengths.
func family(a netip.Addr) int {
	if a.Is6() {
		return 1
	}
	return 0
}

// askPrefixes asks for the prefixes of at most longest bits that hold a.
func (s *Set) askPrefixes(w *Worker, a netip.Addr, longest int, o *observable.Observable) {
	for _, bits := range s.prefixLengths[family(a)] {
		if bits > longest {
			return
		}
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		start := len(w.prefixes)
		w.prefixes = appendPrefix(w.prefixes, p)
		s.askFor(w, tagOf(o.Kind, CIDR), w.prefixes[start:], o)
	}
}

// askURL asks for the prefixes of a URL, if any begins with its host.
func (s *Set) askURL(w *Worker, o *observable.Observable) {
	u := o.Value
	if s.filters[urlGate].missing(maphash.Bytes(s.seed, u[:authorityEnd(u)])) != 0 {
		return
	}
	for _, n := range s.urlLengths {
		if n > len(u) {
			return
		}
		s.askFor(w, tagOf(observable.URL, URLPrefix), u[:n], o)
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
