package misp

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/format/jsonstream"
)

func TestEventsOfEveryShape(t *testing.T) {
	const event = `{"info":"x","Attribute":[{"type":"md5","value":"v","to_ids":true}]}`
	for _, c := range []struct{ name, in string }{
		{"wrapped", `{"Event":` + event + `}`},
		{"wrapped, and more", `{"id":"1","Event":` + event + `,"errors":[]}`},
		{"bare", event},
		{"response with events", `{"response":[{"Event":` + event + `}]}`},
		{"response with one event", `{"response":{"Event":` + event + `}}`},
		{"array", `[{"Event":` + event + `}]`},
		{"array of bare events", "[" + event + "]"},
		{"attribute search", `{"response":{"Attribute":[{"type":"md5","value":"v","to_ids":"1","Event":{"id":"7"}}]}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			err := Events(strings.NewReader(c.in), func(e *Event, err error) error {
				if err != nil {
					return err
				}
				for _, a := range e.Attribute {
					if a.ToIDS {
						got = append(got, a.Type+"="+string(a.Value))
					}
				}
				return nil
			})
			if d := cmp.Diff([]string{"md5=v"}, got); err != nil || d != "" {
				t.Errorf("%v, %s", err, d)
			}
		})
	}
}

func TestEventThatCannotBeDecodedKeepsItsNeighbours(t *testing.T) {
	var infos []string
	bad := 0
	err := Events(strings.NewReader(`[{"info":"a"},{"info":5},7,{"info":"b","Attribute":[{"value":12.50,"to_ids":0}]}]`), func(e *Event, err error) error {
		switch {
		case err != nil:
			bad++
		case e.Info == "b" && (e.Attribute[0].Value != "12.50" || bool(e.Attribute[0].ToIDS)):
			t.Errorf("got %+v", e.Attribute[0])
		default:
			infos = append(infos, e.Info)
		}
		return nil
	})
	if d := cmp.Diff([]string{"a", "b"}, infos); err != nil || bad != 2 || d != "" {
		t.Errorf("%v, %d bad, %s", err, bad, d)
	}
	var e *jsonstream.Error
	if err := Events(strings.NewReader(`{"Event":{"info":`), func(*Event, error) error { return nil }); !errors.As(err, &e) {
		t.Errorf("a cut event gives %v", err)
	}
}

func TestLargeEventKeepsItsNeighbours(t *testing.T) {
	in := jsonstream.NewReader(strings.NewReader(`[{"Event":{"info":"`+strings.Repeat("x", 100)+`"}},{"info":"`+strings.Repeat("x", 100)+`","date":""},{"Event":{"info":"b"}}]`), 50)
	var got []string
	err := walk(in, func(e *Event, err error) error {
		if errors.Is(err, jsonstream.ErrLarge) {
			got = append(got, "large")
			return nil
		}
		if err == nil {
			got = append(got, e.Info)
		}
		return err
	})
	if d := cmp.Diff([]string{"large", "large", "b"}, got); err != nil || d != "" {
		t.Errorf("%v, %s", err, d)
	}
}

func TestWarninglists(t *testing.T) {
	var got []Warninglist
	var bad []string
	err := Warninglists(strings.NewReader(`{"name":"a","list":["x",7]}
		[{"name":"b","type":"cidr","list":[],"matching_attributes":["ip-src"]},{"name":"c","type":"wildmask","list":[]},{"name":"d"}]`),
		func(w *Warninglist, err error) error {
			if err != nil {
				bad = append(bad, err.Error())
				return nil
			}
			got = append(got, *w)
			return nil
		})
	want := []Warninglist{
		{Name: "a", Type: "string", List: []Text{"x", "7"}},
		{Name: "b", Type: "cidr", List: []Text{}, MatchingAttributes: []string{"ip-src"}},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v, %s", err, d)
	}
	if d := cmp.Diff([]string{`warninglist "c" has the unknown type "wildmask"`, `no MISP warninglist: it has no "list"`}, bad); d != "" {
		t.Error(d)
	}
}
