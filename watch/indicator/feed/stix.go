package feed

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"borj.dev/borj/format/stix"
	"borj.dev/borj/format/stix/pattern"
	"borj.dev/borj/watch/indicator"
)

// Bounds of what is remembered of a bundle.
const (
	maxReferences = 200_000  // identities and marking definitions
	maxWaiting    = 10_000   // indicators whose identity or marking has not come yet
	maxWaitBytes  = 32 << 20 // of their patterns
)

// bundle reads the objects of one file. Identities and markings may come after
// the indicators that refer to them, so those wait, as long as there is room.
type bundle struct {
	r         *reader
	n         int64
	names     map[string]string // of identities
	labels    map[string]string // of marking definitions, "" for those that are no TLP
	waiting   []*stix.Object
	waitBytes int
}

func (r *reader) stix(in io.Reader) error {
	b := &bundle{r: r, names: map[string]string{}, labels: map[string]string{}}
	err := stix.Objects(in, b.object)
	b.flush()
	return err
}

// wanted are the types of objects that are looked at.
var wanted = [][]byte{[]byte(`"indicator"`), []byte(`"identity"`), []byte(`"marking-definition"`)}

func (b *bundle) object(raw []byte, err error) error {
	b.n++
	if err != nil {
		b.r.entry()
		b.r.fail(0, fmt.Sprintf("object %d", b.n), err.Error())
		return nil
	}
	if len(raw) > 0 && raw[0] == '{' && !slices.ContainsFunc(wanted, func(w []byte) bool { return bytes.Contains(raw, w) }) {
		return nil
	}
	o, err := stix.Decode(raw)
	if err != nil {
		b.r.entry()
		b.r.fail(0, fmt.Sprintf("object %d", b.n), err.Error())
		return nil
	}
	switch o.Type {
	case "identity":
		if len(b.names) < maxReferences {
			b.names[o.ID] = short(o.Name, 200)
		}
	case "marking-definition":
		if len(b.labels) < maxReferences {
			b.labels[o.ID] = o.TLP()
		}
	case "indicator":
		b.indicator(o)
	}
	return nil
}

func (b *bundle) indicator(o *stix.Object) {
	if b.resolved(o) {
		b.load(o)
		return
	}
	b.waiting = append(b.waiting, o)
	b.waitBytes += len(o.Pattern) + len(o.Description)
	if len(b.waiting) >= maxWaiting || b.waitBytes >= maxWaitBytes {
		b.flush()
	}
}

func (b *bundle) flush() {
	for _, o := range b.waiting {
		b.load(o)
	}
	b.waiting, b.waitBytes = nil, 0
}

func (b *bundle) resolved(o *stix.Object) bool {
	if _, ok := b.names[o.CreatedByRef]; !ok && o.CreatedByRef != "" {
		return false
	}
	for _, id := range o.ObjectMarkingRefs {
		if _, ok := b.labels[id]; !ok && stix.TLPOf(id) == "" {
			return false
		}
	}
	return true
}

func (b *bundle) load(o *stix.Object) {
	base := b.r.base()
	base.ID = short(o.ID, 200)
	base.Name = short(o.Name, 200)
	if name := b.names[o.CreatedByRef]; name != "" {
		base.Source = name
	}
	for _, id := range o.ObjectMarkingRefs {
		base.TLP = stix.Stricter(base.TLP, stix.TLPOf(id))
		base.TLP = stix.Stricter(base.TLP, b.labels[id])
	}
	if o.Confidence != nil && *o.Confidence >= 0 && *o.Confidence <= 100 {
		base.Confidence = *o.Confidence
	}
	if at, err := stix.Time(o.Modified); err == nil { // without one no other version is older
		base.Modified = at
	}
	if o.Revoked {
		if base.ID != "" && !base.Modified.IsZero() {
			base.Revoked = true
			if err := b.r.add(base); err != nil {
				b.r.entry()
				b.r.fail(0, o.ID, err.Error())
				return
			}
		}
		b.r.skip("STIX indicators that were revoked")
		return
	}
	if err := window(base, o); err != nil {
		b.r.entry()
		b.r.fail(0, o.ID, err.Error())
		return
	}
	if o.PatternType != "" && o.PatternType != "stix" {
		b.r.entry()
		b.r.fail(0, o.ID, fmt.Sprintf("not streamable: its pattern is written in %s", short(o.PatternType, 40)))
		return
	}
	b.r.pattern(o.ID, o.Pattern, base)
}

// window reads the time for which an indicator is valid.
func window(in *indicator.Indicator, o *stix.Object) (err error) {
	if in.ValidFrom, err = stix.Time(o.ValidFrom); err != nil {
		return fmt.Errorf("valid_from: %w", err)
	}
	if in.ValidUntil, err = stix.Time(o.ValidUntil); err != nil {
		return fmt.Errorf("valid_until: %w", err)
	}
	if !in.ValidUntil.IsZero() && !in.ValidUntil.After(in.ValidFrom) {
		return fmt.Errorf("valid_until %s is not after valid_from %s, so it is never valid", o.ValidUntil, o.ValidFrom)
	}
	return nil
}

// pattern loads a STIX pattern: what can be looked up in single records of it.
func (r *reader) pattern(id, text string, base *indicator.Indicator) {
	base.Pattern = text
	o, err := pattern.Parse(text, pattern.Options{})
	if err != nil {
		r.entry()
		r.fail(0, id, "the pattern is invalid: "+err.Error())
		return
	}
	alternatives, left, total, err := streamable(o)
	if err != nil && len(alternatives) == 0 {
		r.entry()
		r.fail(0, id, "not streamable: "+err.Error())
		return
	}
	r.load(0, id, base, alternatives)
	if left > 0 {
		r.partly(0, id, fmt.Sprintf("not streamable: %d of %d alternatives were left out: %v", left, total, err))
	}
}
