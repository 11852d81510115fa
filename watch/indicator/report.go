package indicator

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"borj.dev/borj/watch/observable"
)

// partial is an indicator of several terms, of which the record holds some.
type partial struct {
	own     owner
	seen    uint64
	matched []int32
}

// common is a finding whose parts wait for those of rarer findings.
type common struct {
	parts  []uint32
	places []place
}

// PatternType is the Hit.Type of an indicator of several terms.
const PatternType = "pattern"

// report turns the findings of a record into hits.
func (s *Set) report(w *Worker, yield func(*Hit)) {
	w.hits, w.partials, w.common = w.hits[:0], w.partials[:0], w.common[:0]
	if len(w.ofRule) > 1<<10 {
		w.ofRule = map[uint32]int{}
	}
	clear(w.ofRule)
	for i := range w.findings {
		f := &w.findings[i]
		var single [1]uint32
		of := claims{whole: single[:]}
		if n := int(f.number); n < len(s.owners) {
			single[0] = f.number
		} else {
			of = s.lists[n-len(s.owners)]
		}
		var hit Hit
		for _, number := range of.whole {
			s.claim(w, s.owners[number], f.places, &hit)
		}
		if of.common {
			w.common = append(w.common, common{of.parts, f.places})
		} else {
			s.claimParts(w, of.parts, f.places)
		}
		if len(hit.Origins) > 0 {
			hit.Type, hit.Value = f.kind.String(), w.display(f)
			w.addHit(hit)
		}
	}
	s.claimCommon(w)
	for i := range w.partials {
		p := &w.partials[i]
		r := &s.rules[p.own.rule-1]
		if p.seen == r.all {
			w.addHit(Hit{Type: PatternType, Value: r.pattern, Origins: []Origin{s.originOf(p.own)}, Matched: p.matched})
		}
	}
	for i := range w.hits {
		h := &w.hits[i]
		slices.Sort(h.Matched)
		h.Matched = slices.Compact(h.Matched)
	}
	slices.SortStableFunc(w.hits, func(a, b Hit) int { return int(a.Matched[0]) - int(b.Matched[0]) })
	for i := range w.hits {
		h := &w.hits[i]
		if h.ID == "" {
			sum := sha256.Sum256([]byte(h.Type + "\x00" + h.Value))
			h.ID = hex.EncodeToString(sum[:16])
		}
		yield(h)
	}
}

func (s *Set) claimParts(w *Worker, parts []uint32, places []place) {
	for _, number := range parts {
		s.claim(w, s.owners[number], places, nil)
	}
}

// claimCommon claims the parts of common findings, the rarest first. An
// indicator has one part at most in each of them: so of the last only those
// matter of which the record holds another part already.
func (s *Set) claimCommon(w *Worker) {
	slices.SortStableFunc(w.common, func(a, b common) int { return len(a.parts) - len(b.parts) })
	for i, c := range w.common {
		if i < len(w.common)-1 {
			s.claimParts(w, c.parts, c.places)
			continue
		}
		for j := range w.partials {
			r := &s.rules[w.partials[j].own.rule-1]
			k, _ := slices.BinarySearch(c.parts, r.first)
			if k < len(c.parts) && s.owners[c.parts[k]].rule == w.partials[j].own.rule {
				s.claim(w, s.owners[c.parts[k]], c.places, nil)
			}
		}
	}
	slices.SortFunc(w.partials, func(a, b partial) int { return int(a.own.rule) - int(b.own.rule) })
}

// claim adds what one owner says of a finding to the hit, or to the terms that
// were seen of its indicator.
func (s *Set) claim(w *Worker, own owner, places []place, hit *Hit) {
	matched := make([]int32, 0, 8)
	for _, p := range places {
		if own.role == observable.AnyRole || own.role == p.role {
			matched = append(matched, p.field)
		}
	}
	if len(matched) == 0 || !s.holds(w, own) {
		return
	}
	if own.rule == 0 {
		hit.Origins = append(hit.Origins, s.originOf(own))
		hit.Matched = append(hit.Matched, matched...)
		return
	}
	i, ok := w.ofRule[own.rule]
	if !ok {
		i = len(w.partials)
		w.ofRule[own.rule] = i
		w.partials = append(w.partials, partial{own: own})
	}
	w.partials[i].seen |= 1 << own.term
	w.partials[i].matched = append(w.partials[i].matched, matched...)
}

func (s *Set) originOf(own owner) Origin {
	o := Origin{Provenance: &s.origins[own.origin]}
	if own.id > 0 {
		o.ID = s.ids.at(own.id - 1)
	}
	return o
}

// holds tells whether the indicator is valid at the record's time.
func (s *Set) holds(w *Worker, own owner) bool {
	p := &s.origins[own.origin]
	if p.ValidFrom.IsZero() && p.ValidUntil.IsZero() {
		return true
	}
	if w.at.IsZero() {
		at, ok := w.rec.Time()
		if !ok {
			at = w.now()
		}
		w.at = at
	}
	return p.holds(w.at)
}

// addHit joins the hit to one of the same id, or adds it.
func (w *Worker) addHit(hit Hit) {
	for _, o := range hit.Origins {
		if o.ID != "" {
			hit.ID = o.ID
			break
		}
	}
	if hit.ID != "" {
		for i := range w.hits {
			if h := &w.hits[i]; h.ID == hit.ID {
				h.Matched = append(h.Matched, hit.Matched...)
				for _, o := range hit.Origins {
					if !slices.Contains(h.Origins, o) {
						h.Origins = append(h.Origins, o)
					}
				}
				return
			}
		}
	}
	w.hits = append(w.hits, hit)
}

func (w *Worker) display(f *finding) string {
	if f.pattern == nil {
		return display(w.keys[f.start:f.end])
	}
	if f.pattern.match == Substring {
		return "*" + f.pattern.value + "*"
	}
	return f.pattern.value
}
