// Package stix owns the STIX 2.1 and 2.0 texts of objects: it cuts bundles into
// objects and decodes the properties that indicators need. It refuses to judge
// objects, to follow references between them, and to know their patterns (that
// is the package pattern beneath it).
package stix

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"borj.dev/borj/format/jsonstream"
)

// MaxObject bounds one object, in bytes.
const MaxObject = 16 << 20

// Objects calls visit with the text of every object in r: those of a bundle
// (§8), of an array, or one after another. raw is valid during the call. An
// object that is larger than MaxObject is given as an error instead, and reading
// goes on behind it. An error of visit ends the reading and is returned; an error
// of the text is a *jsonstream.Error.
func Objects(r io.Reader, visit func(raw []byte, err error) error) error {
	in := jsonstream.NewReader(r, MaxObject)
	for {
		c, err := in.Peek()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if c == '[' {
			err = in.Array(func() error { return object(in, visit) })
		} else {
			err = object(in, visit)
		}
		if err != nil {
			return err
		}
	}
}

// object visits one object, or the objects of a bundle. Which of them it is
// shows at the first of their members that only one of them has, so that a
// bundle's own members never have to be kept.
func object(in *jsonstream.Reader, visit func(raw []byte, err error) error) error {
	c, err := in.Peek()
	if err != nil {
		return err
	}
	if c != '{' {
		return whole(in, visit)
	}
	bundle := false
	own := jsonstream.Members{Limit: MaxObject}
	err = in.Object(func(key string) error {
		if c, err := in.Peek(); key == "objects" && err == nil && c == '[' && !bundle {
			bundle = true
			return in.Array(func() error { return whole(in, visit) })
		}
		if bundle {
			return in.Skip()
		}
		return own.Take(in, key)
	})
	if err != nil || bundle {
		return err
	}
	return visit(own.Object())
}

// whole visits one value.
func whole(in *jsonstream.Reader, visit func(raw []byte, err error) error) error {
	raw, err := in.Raw()
	if err != nil && !errors.Is(err, jsonstream.ErrLarge) {
		return err
	}
	return visit(raw, err)
}

// Object is what reading indicators needs of an object: the common properties
// (§3.2) and those of indicator (§4.7), identity (§4.5) and marking-definition
// (§7.2).
type Object struct {
	Type              string   `json:"type"`
	ID                string   `json:"id"`
	CreatedByRef      string   `json:"created_by_ref"`
	Modified          string   `json:"modified"`
	Revoked           bool     `json:"revoked"`
	Confidence        *int     `json:"confidence"`
	ObjectMarkingRefs []string `json:"object_marking_refs"`

	Name        string `json:"name"`
	Description string `json:"description"`

	Pattern     string `json:"pattern"`
	PatternType string `json:"pattern_type"` // empty in STIX 2.0, which knows stix alone
	ValidFrom   string `json:"valid_from"`
	ValidUntil  string `json:"valid_until"`

	DefinitionType string                     `json:"definition_type"`
	Definition     json.RawMessage            `json:"definition"`
	Extensions     map[string]json.RawMessage `json:"extensions"`
}

// Decode reads one object.
func Decode(raw []byte) (*Object, error) {
	o := &Object{}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, fmt.Errorf("no STIX object: %w", err)
	}
	if o.Type == "" {
		return nil, fmt.Errorf("no STIX object: it has no type")
	}
	return o, nil
}

// Time reads a timestamp (§2.16). An empty one is the zero time.
func Time(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("%.40q is no timestamp: %w", s, err)
	}
	return t, nil
}

// tlpExtension is what marking definitions of TLP 2.0 declare themselves by.
const tlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

// tlpByID are the marking definitions that everybody uses without sending them:
// TLP 1.0 (STIX 2.1 §7.2.1.4) and TLP 2.0 (OASIS's common objects).
var tlpByID = map[string]string{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}

// TLPOf returns the TLP 2.0 label of a published marking definition, and ""
// for any other.
func TLPOf(markingID string) string { return tlpByID[markingID] }

// TLP returns the TLP 2.0 label that a marking definition states, and "" if it
// states none.
func (o *Object) TLP() string {
	if o.Type != "marking-definition" {
		return ""
	}
	var v struct {
		TLP  string `json:"tlp"`
		TLP2 string `json:"tlp_2_0"`
	}
	// A definition of another shape states no TLP, which is no error.
	if strings.EqualFold(o.DefinitionType, "tlp") && json.Unmarshal(o.Definition, &v) == nil && v.TLP != "" {
		return Label(v.TLP)
	}
	if raw, ok := o.Extensions[tlpExtension]; ok && json.Unmarshal(raw, &v) == nil {
		return Label(v.TLP2)
	}
	return ""
}

// labels are those of TLP 2.0, the least strict first.
var labels = []string{"clear", "green", "amber", "amber+strict", "red"}

// Label returns the TLP 2.0 label for a text such as TLP:WHITE or amber, and ""
// for what is none.
func Label(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimSpace(strings.TrimPrefix(s, "tlp:"))
	if s == "white" {
		return "clear"
	}
	for _, l := range labels {
		if s == l {
			return l
		}
	}
	return ""
}

// Stricter returns the label that allows less.
func Stricter(a, b string) string {
	rank := func(s string) int {
		for i, l := range labels {
			if s == l {
				return i
			}
		}
		return -1
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}
