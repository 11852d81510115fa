package feed

import (
	"fmt"
	"io"
	"slices"

	"borj.dev/borj/format/misp"
	"borj.dev/borj/format/stix"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

func (r *reader) misp(in io.Reader) error {
	return misp.Events(in, func(e *misp.Event, err error) error {
		if err != nil {
			r.entry()
			r.fail(0, "", err.Error())
			return nil
		}
		r.event(e)
		return nil
	})
}

// event loads the attributes of an event, and of its objects, that are marked
// for detection.
func (r *reader) event(e *misp.Event) {
	base := r.base()
	if e.Info != "" {
		base.Source = short(e.Info, 200)
	}
	base.TLP = tagged(e.Tag)
	for i := range e.Attribute {
		r.attribute(base, &e.Attribute[i], false)
	}
	for i := range e.Object {
		o := &e.Object[i]
		if o.Deleted {
			continue
		}
		hashed := slices.ContainsFunc(o.Attribute, func(a misp.Attribute) bool {
			return bool(a.ToIDS && !a.Deleted) && isHashType(a.Type)
		})
		for j := range o.Attribute {
			r.attribute(base, &o.Attribute[j], hashed)
		}
	}
}

// attribute loads one attribute. hashed says that it stands in an object that
// has the hash of a file, beside which the file's name alone says too little.
func (r *reader) attribute(event *indicator.Indicator, a *misp.Attribute, hashed bool) {
	switch {
	case bool(!a.ToIDS || a.Deleted):
		return
	case hashed && isFileName(a.Type):
		r.skip("MISP file names beside the hash of the file")
		return
	}
	base := *event
	base.ID = short(a.UUID, 200)
	base.Name = short(a.Comment, 200)
	if label := tagged(a.Tag); label != "" {
		base.TLP = label
	}
	value := string(a.Value)
	if a.Type == "stix2-pattern" {
		r.pattern(a.UUID, value, &base)
		return
	}
	alternatives, err := typed(a.Type, value)
	switch {
	case err != nil:
		r.entry()
		r.fail(0, value, fmt.Sprintf("attribute %s of type %s: %v", a.UUID, a.Type, err))
	case alternatives == nil:
		r.skip(fmt.Sprintf("MISP attributes of type %s: no field of a record carries it", short(a.Type, 40)))
	default:
		if r.opt.Subdomains {
			withSubdomains(alternatives)
		}
		r.load(0, value, &base, alternatives)
	}
}

// tagged returns the strictest TLP label among tags.
func tagged(tags []misp.Tag) string {
	label := ""
	for _, t := range tags {
		label = stix.Stricter(label, stix.Label(t.Name))
	}
	return label
}

func (r *reader) readWarninglists(in io.Reader) error {
	return misp.Warninglists(in, func(w *misp.Warninglist, err error) error {
		if err != nil {
			r.entry()
			r.fail(0, "", err.Error())
			return nil
		}
		out := indicator.Warninglist{Name: w.Name, Type: w.Type}
		if out.Name == "" {
			out.Name = r.source
		}
		var kinds []observable.Kind
		for _, t := range w.MatchingAttributes {
			kinds = append(kinds, kindsOf(t)...)
		}
		if len(w.MatchingAttributes) > 0 && len(kinds) == 0 {
			r.skip("warninglists about types that no field of a record carries")
			return nil
		}
		out.Kinds = observable.KindsOf(kinds...)
		out.Values = make([]string, len(w.List))
		for i, v := range w.List {
			out.Values[i] = string(v)
		}
		r.warninglists = append(r.warninglists, out)
		r.loaded()
		return nil
	})
}
