// Package misp owns MISP's JSON: events with their attributes and objects (MISP
// core format), and warninglists. It refuses to decide what an attribute means
// to a record, and to talk to a MISP server.
package misp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"borj.dev/borj/format/jsonstream"
)

// MaxEvent bounds one event, in bytes, its attachments included.
const MaxEvent = 256 << 20

// Event is what reading indicators needs of an event.
type Event struct {
	UUID      string      `json:"uuid"`
	Info      string      `json:"info"`
	Date      string      `json:"date"`
	Orgc      Org         `json:"Orgc"`
	Tag       []Tag       `json:"Tag"`
	Attribute []Attribute `json:"Attribute"`
	Object    []Object    `json:"Object"`
}

// Org is an organisation.
type Org struct {
	Name string `json:"name"`
}

// Tag is a label such as tlp:amber.
type Tag struct {
	Name string `json:"name"`
}

// Attribute is one value of an event, or of an object.
type Attribute struct {
	UUID      string `json:"uuid"`
	Type      string `json:"type"`
	Category  string `json:"category"`
	Value     Text   `json:"value"`
	Comment   string `json:"comment"`
	Relation  string `json:"object_relation"`
	ToIDS     Bool   `json:"to_ids"`
	Deleted   Bool   `json:"deleted"`
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
	Tag       []Tag  `json:"Tag"`
}

// Object is a group of attributes.
type Object struct {
	UUID      string      `json:"uuid"`
	Name      string      `json:"name"`
	Deleted   Bool        `json:"deleted"`
	Attribute []Attribute `json:"Attribute"`
}

// Bool is true or false, as any version of MISP writes it: true, 1 or "1".
type Bool bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *Bool) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(string(bytes.Trim(raw, `"`))) {
	case "true", "1":
		*b = true
	case "false", "0", "", "null":
		*b = false
	default:
		return fmt.Errorf("%.20q is neither true nor false", raw)
	}
	return nil
}

// Text is a text that some writers send as a number.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '"' && raw[0] != '{' && raw[0] != '[' {
		if string(raw) != "null" {
			*t = Text(raw)
		}
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

// Events calls visit with every event in r: {"Event":…}, {"response":…} of a
// search for events or attributes, bare events, an array of any of these, or
// several one after another. An event that cannot be decoded or is larger than
// MaxEvent is given as an error, and reading goes on; an error of the JSON text itself is returned.
func Events(r io.Reader, visit func(*Event, error) error) error {
	in := jsonstream.NewReader(r, MaxEvent)
	for {
		if _, err := in.Peek(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := walk(in, visit); err != nil {
			return err
		}
	}
}

// walk visits the events of one value: an array, a wrapper or an event.
func walk(in *jsonstream.Reader, visit func(*Event, error) error) error {
	c, err := in.Peek()
	if err != nil {
		return err
	}
	switch c {
	case '[':
		return in.Array(func() error { return walk(in, visit) })
	case '{':
		return member(in, visit)
	}
	raw, err := in.Raw()
	if err != nil {
		return passLarge(err, visit)
	}
	return visit(nil, fmt.Errorf("%.40q is no MISP event", raw))
}

func member(in *jsonstream.Reader, visit func(*Event, error) error) error {
	wrapper := false
	bare := jsonstream.Members{Limit: MaxEvent}
	err := in.Object(func(key string) error {
		switch key {
		case "response":
			wrapper = true
			return walk(in, visit)
		case "Event":
			wrapper = true
			raw, err := in.Raw()
			if err != nil {
				return passLarge(err, visit)
			}
			return decode(raw, visit)
		}
		if wrapper {
			return in.Skip()
		}
		return bare.Take(in, key)
	})
	if err != nil || wrapper {
		return err
	}
	raw, err := bare.Object()
	if err != nil {
		return visit(nil, err)
	}
	return decode(raw, visit)
}

// passLarge gives visit the error of a value that was passed over; any other
// ends the reading.
func passLarge(err error, visit func(*Event, error) error) error {
	if errors.Is(err, jsonstream.ErrLarge) {
		return visit(nil, err)
	}
	return err
}

func decode(raw []byte, visit func(*Event, error) error) error {
	e := &Event{}
	if err := json.Unmarshal(raw, e); err != nil {
		return visit(nil, fmt.Errorf("no MISP event: %w", err))
	}
	return visit(e, nil)
}
