package misp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"borj.dev/borj/format/jsonstream"
)

// MaxWarninglist bounds a warninglist, in bytes.
const MaxWarninglist = 256 << 20

// Warninglist is a list of well-known harmless values.
type Warninglist struct {
	Name               string   `json:"name"`
	Description        string   `json:"description"`
	Type               string   `json:"type"` // string, substring, hostname, cidr, regex
	MatchingAttributes []string `json:"matching_attributes"`
	List               []Text   `json:"list"`
}

// Warninglists calls visit with every warninglist in r: one, an array of them,
// or several one after another. One that cannot be decoded, is larger
// than MaxWarninglist, or is of a type that MISP does not define, is given as an
// error.
func Warninglists(r io.Reader, visit func(*Warninglist, error) error) error {
	in := jsonstream.NewReader(r, MaxWarninglist)
	for {
		c, err := in.Peek()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		one := func() error {
			raw, err := in.Raw()
			if errors.Is(err, jsonstream.ErrLarge) {
				return visit(nil, err)
			}
			if err != nil {
				return err
			}
			return visit(decodeWarninglist(raw))
		}
		if c == '[' {
			err = in.Array(one)
		} else {
			err = one()
		}
		if err != nil {
			return err
		}
	}
}

func decodeWarninglist(raw []byte) (*Warninglist, error) {
	w := &Warninglist{}
	if err := json.Unmarshal(raw, w); err != nil {
		return nil, fmt.Errorf("no MISP warninglist: %w", err)
	}
	if w.List == nil {
		return nil, fmt.Errorf("no MISP warninglist: it has no \"list\"")
	}
	switch w.Type {
	case "":
		w.Type = "string"
	case "string", "substring", "hostname", "cidr", "regex":
	default:
		return nil, fmt.Errorf("warninglist %.80q has the unknown type %.40q", w.Name, w.Type)
	}
	return w, nil
}
