package indicator

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"borj.dev/borj/watch/observable"
)

// Bounds of a set.
const (
	maxTerms    = 64      // of one indicator: Term and And
	maxPatterns = 20_000  // Substring, Like and Regexp, which each cost time at every observable of their kind
	maxData     = 1 << 32 // bytes of keys
	runLength   = 1 << 18 // entries sorted at a time
	maxOrigins  = 1000    // of one value, which every hit of it names
)

// Stats counts what went into a set.
type Stats struct {
	Loaded     int            // indicators added, and kept
	Distinct   int            // different values among their terms
	Suppressed int            // indicators that a warninglist names, and that were left out
	Superseded int            // indicators left out for a newer version of the same id, or because it was revoked
	Versions   int            // indicators beyond the number of ids whose versions are known
	Capped     int            // claims of a value left out beyond the first 1,000 of it
	ByList     map[string]int // how many each warninglist suppressed; the first that names an indicator counts
}

// Builder collects indicators and compiles them. Add takes them one at a time
// and keeps each in a few bytes, so that millions can be read from a stream. It
// is not safe for concurrent use.
type Builder struct {
	benign  *Suppressor
	stats   Stats
	pending []entryRef // of the run being collected, over arena
	arena   []byte
	runs    []table
	size    int // bytes of keys in runs

	owners   []owner
	shared   map[owner]uint32 // those without an id
	origins  []Provenance
	originOf map[Provenance]uint32
	ids      texts // an id that comes twice in a row is kept once for each version
	versions versions
	rules    []rule
	patterns patterns
}

// entryRef is one entry in the arena, with its first bytes at hand.
type entryRef struct {
	first  uint64
	start  uint32
	length uint32
	owner  uint32
}

// owner is who an entry belongs to: an indicator, or one term of one.
type owner struct {
	origin uint32 // index into origins
	id     uint32 // index into ids, plus one; 0 without
	rule   uint32 // index into rules, plus one; 0 where the term is the whole indicator
	term   uint8  // which of the rule
	role   observable.Role
}

// rule is an indicator of several terms.
type rule struct {
	all     uint64 // a bit for each term
	first   uint32 // number of the owner of its first term; the others follow
	pattern string
}

// NewBuilder returns an empty Builder. Indicators that benign names are left
// out; it may be nil.
func NewBuilder(benign *Suppressor) *Builder {
	return &Builder{
		benign:   benign,
		stats:    Stats{ByList: map[string]int{}},
		shared:   map[owner]uint32{},
		originOf: map[Provenance]uint32{},
	}
}

// Stats returns the counts so far. Distinct is known after Build.
func (b *Builder) Stats() Stats { return b.stats }

// Add takes one indicator. An error says why it cannot be used; the Builder
// goes on without it. A suppressed indicator is no error.
func (b *Builder) Add(in *Indicator) error {
	if !in.Modified.IsZero() && in.ID != "" && !b.versions.note(in.ID, in.Modified, in.Revoked) {
		b.stats.Versions++
	}
	if in.Revoked {
		return nil
	}
	if len(in.And) >= maxTerms {
		return fmt.Errorf("indicator %s: %d terms joined by AND, and %d are the limit", in.label(), len(in.And)+1, maxTerms)
	}
	terms := make([]Term, 0, 4)
	terms = append(append(terms, in.Term), in.And...)
	var compiled [4]compiledTerm
	ready := compiled[:0]
	for i := range terms {
		c, err := compileTerm(&terms[i])
		if err != nil {
			return fmt.Errorf("indicator %s: %w", in.label(), err)
		}
		ready = append(ready, c)
	}
	if list, ok := b.benign.names(ready); ok {
		b.stats.Suppressed++
		b.stats.ByList[list]++
		return nil
	}
	if b.size+len(b.arena)+observable.MaxLength*len(ready) >= maxData || len(b.ids.data)+len(in.ID) >= maxData {
		return errors.New("the set is full: it holds 4 GiB of values or ids")
	}
	own := owner{origin: b.origin(in), id: b.id(in.ID, in.Modified)}
	if len(ready) > 1 {
		b.rules = append(b.rules, rule{all: 1<<len(ready) - 1, first: uint32(len(b.owners)), pattern: strings.Clone(in.Pattern)})
		own.rule = uint32(len(b.rules))
	}
	for i := range ready {
		own.term, own.role = uint8(i), ready[i].term.Role
		if err := b.addTerm(&ready[i], own); err != nil {
			return fmt.Errorf("indicator %s: %w", in.label(), err)
		}
	}
	b.stats.Loaded++
	return nil
}

func (in *Indicator) label() string {
	if in.ID != "" {
		return fmt.Sprintf("%.80q", in.ID)
	}
	return fmt.Sprintf("%.80q", in.Value)
}

func (b *Builder) addTerm(c *compiledTerm, own owner) error {
	if c.term.Match >= Substring {
		return b.patterns.add(c, b.owner(own))
	}
	start := len(b.arena)
	b.arena = c.appendKey(b.arena)
	b.pending = append(b.pending, entryRef{firstBytes(b.arena[start:]), uint32(start), uint32(len(b.arena) - start), b.owner(own)})
	if len(b.pending) >= runLength || len(b.arena) > 64<<20 {
		b.seal()
	}
	return nil
}

func firstBytes(key []byte) (n uint64) {
	for i := range 8 {
		n <<= 8
		if i < len(key) {
			n |= uint64(key[i])
		}
	}
	return n
}

// origin interns what in shares with others.
func (b *Builder) origin(in *Indicator) uint32 {
	p := Provenance{in.Source, in.Confidence, in.TLP, in.Name, in.ValidFrom.UTC(), in.ValidUntil.UTC()}
	if n := len(b.origins); n > 0 && b.origins[n-1] == p {
		return uint32(n - 1)
	}
	i, ok := b.originOf[p]
	if !ok {
		p.Source, p.TLP, p.Name = strings.Clone(p.Source), strings.Clone(p.TLP), strings.Clone(p.Name)
		i = uint32(len(b.origins))
		b.origins = append(b.origins, p)
		b.originOf[p] = i
	}
	return i
}

func (b *Builder) id(id string, modified time.Time) uint32 {
	if id == "" {
		return 0
	}
	n := uint32(len(b.ids.ends))
	if n == 0 || b.ids.at(n-1) != id || !b.versions.continues(n, modified) {
		b.ids.add(id)
		n++
	}
	if !modified.IsZero() {
		b.versions.add(n, modified)
	}
	return n
}

// texts is a list of strings, kept in one piece.
type texts struct {
	data []byte
	ends []uint32
}

func (t *texts) add(s string) {
	t.data = append(t.data, s...)
	t.ends = append(t.ends, uint32(len(t.data)))
}

func (t *texts) at(i uint32) string {
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return string(t.data[start:t.ends[i]])
}

func (b *Builder) owner(own owner) uint32 {
	if own.id != 0 || own.rule != 0 {
		b.owners = append(b.owners, own)
		return uint32(len(b.owners) - 1)
	}
	i, ok := b.shared[own]
	if !ok {
		i = uint32(len(b.owners))
		b.owners = append(b.owners, own)
		b.shared[own] = i
	}
	return i
}

// seal sorts what is pending and writes it down as a run.
func (b *Builder) seal() {
	at := func(e *entryRef) []byte { return b.arena[e.start : e.start+e.length] }
	slices.SortFunc(b.pending, func(x, y entryRef) int {
		if x.first != y.first {
			if x.first < y.first {
				return -1
			}
			return 1
		}
		if c := bytes.Compare(at(&x), at(&y)); c != 0 {
			return c
		}
		return int(x.owner) - int(y.owner)
	})
	run := table{data: make([]byte, 0, len(b.arena)+4*len(b.pending))}
	for i := range b.pending {
		e := &b.pending[i]
		if i > 0 && e.owner == b.pending[i-1].owner && bytes.Equal(at(e), at(&b.pending[i-1])) {
			continue
		}
		run.append(at(e), e.owner)
	}
	run.data = slices.Clone(run.data)
	b.runs = append(b.runs, run)
	b.size += len(run.data)
	b.pending, b.arena = b.pending[:0], b.arena[:0]
}
