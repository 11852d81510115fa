package indicator

import (
	"hash/maphash"
	"time"

	"github.com/gaissmai/bart"

	"borj.dev/borj/watch/observable"
)

// Set is a compiled set of indicators. It never changes, and any number of
// workers may look into it at once.
type Set struct {
	stats    Stats
	keys     table
	seed     maphash.Seed // of this set alone, so that nobody can aim at its filters
	filters  [256]*filter // by tag; nil where there is no key
	owners   []owner
	lists    []claims // where a key has several owners
	origins  []Provenance
	ids      texts
	rules    []rule
	patterns patterns

	kinds         observable.Kinds // that any term is about
	prefixes      *bart.Lite       // every CIDR prefix
	prefixLengths [2][]int         // the lengths in use, of IPv4 and IPv6
	urlLengths    []int            // of the URL prefixes
}

// claims are the owners of one key, by number.
type claims struct {
	whole []uint32 // those whose indicator the key is
	parts []uint32 // terms of indicators of several
	// common: there are many parts, each of another indicator, as of a port that
	// many indicators name beside an address.
	common bool
}

// Provenance is what a source says about its indicators.
type Provenance struct {
	Source                string
	Confidence            int
	TLP                   string
	Name                  string
	ValidFrom, ValidUntil time.Time
}

func (p *Provenance) holds(at time.Time) bool {
	return (p.ValidFrom.IsZero() || !at.Before(p.ValidFrom)) && (p.ValidUntil.IsZero() || at.Before(p.ValidUntil))
}

// Origin is one source's claim of an indicator.
type Origin struct {
	ID string // empty where the source gave none
	*Provenance
}

// Hit is one indicator found in one record.
type Hit struct {
	ID      string   // of the first origin that has one, or made from type and value
	Type    string   // observable.Kind.String(), or "pattern" for terms joined by AND
	Value   string   // 192.0.2.0/24, *.example.com, http://example.com/a* …, or the STIX pattern
	Origins []Origin // that hold at the record's time, in the order in which they were added; at least one
	Matched []int32  // indexes of Record.Fields, ascending
}

// Stats returns what Build counted.
func (s *Set) Stats() Stats { return s.stats }

// Kinds returns the kinds that any indicator of the set is about: an Extractor
// for this set needs no others.
func (s *Set) Kinds() observable.Kinds { return s.kinds }
