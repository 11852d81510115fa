package stix

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/format/jsonstream"
)

func TestObjectsOfEveryShape(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"bundle", `{"type":"bundle","id":"bundle--1","objects":[{"type":"a"},{"type":"b"}]}`, []string{`{"type":"a"}`, `{"type":"b"}`}},
		{"sorted keys", `{"id":"bundle--1","objects":[{"type":"a"}],"spec_version":"2.0","type":"bundle"}`, []string{`{"type":"a"}`}},
		{"array", ` [{"type":"a"},{"type":"bundle","objects":[{"type":"b"}]}]`, []string{`{"type":"a"}`, `{"type":"b"}`}},
		{"bare", `{"type":"a","x":[1, 2]}`, []string{`{"type":"a","x":[1, 2]}`}},
		{"lines", "{\"type\":\"a\"}\n{\"type\":\"b\"}\n", []string{`{"type":"a"}`, `{"type":"b"}`}},
		{"observed data", `{"type":"observed-data","objects":{"0":{}}}`, []string{`{"type":"observed-data","objects":{"0":{}}}`}},
		{"empty bundle", `{"type":"bundle","objects":[]}`, nil},
		{"nothing", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			err := Objects(strings.NewReader(c.in), func(raw []byte, err error) error { got = append(got, string(raw)); return err })
			if d := cmp.Diff(c.want, got); err != nil || d != "" {
				t.Errorf("%v, %s", err, d)
			}
		})
	}
}

func TestObjectsOfBrokenBundle(t *testing.T) {
	n := 0
	err := Objects(strings.NewReader(`{"type":"bundle","objects":[{"type":"a"},{"type":`), func([]byte, error) error { n++; return nil })
	var e *jsonstream.Error
	if n != 1 || !errors.As(err, &e) || e.Offset == 0 {
		t.Errorf("got %d objects, %v", n, err)
	}
	stop := errors.New("enough")
	if err := Objects(strings.NewReader(`[{},{}]`), func([]byte, error) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestLargeObjectKeepsItsNeighbours(t *testing.T) {
	large := `{"type":"l","x":"` + strings.Repeat("x", MaxObject) + `","y":1}`
	halves := strings.Repeat("x", MaxObject/2)
	for _, c := range []struct {
		name, in, want string
	}{
		{"bundle", `{"type":"bundle","objects":[{"type":"a"},` + large + `,{"type":"b"}]}`, `{"type":"a"} large {"type":"b"}`},
		{"lines", large + "\n" + `{"type":"b"}`, `large {"type":"b"}`},
		{"large together", `[{"x":"` + halves + `","y":"` + halves + `","z":[]},{"type":"b"}]`, `large {"type":"b"}`},
		{"large member of a bundle", `{"x":"` + halves + halves + `","objects":[{"type":"b"}]}`, `{"type":"b"}`},
	} {
		var got []string
		err := Objects(strings.NewReader(c.in), func(raw []byte, err error) error {
			if errors.Is(err, jsonstream.ErrLarge) {
				raw, err = []byte("large"), nil
			}
			got = append(got, string(raw))
			return err
		})
		if s := strings.Join(got, " "); s != c.want || err != nil {
			t.Errorf("%s: %v, got %.100q", c.name, err, s)
		}
	}
}

func TestTLP(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"marking-definition","definition_type":"tlp","definition":{"tlp":"white"}}`:                                          "clear",
		`{"type":"marking-definition","definition_type":"TLP","definition":{"tlp":"TLP:AMBER+STRICT"}}`:                               "amber+strict",
		`{"type":"marking-definition","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"tlp_2_0":"red"}}}`: "red",
		`{"type":"marking-definition","definition_type":"statement","definition":{"statement":"© us"}}`:                               "",
		`{"type":"identity","definition_type":"tlp","definition":{"tlp":"white"}}`:                                                    "",
		`{"type":"marking-definition","definition_type":"tlp","definition":7}`:                                                        "",
		`{"type":"marking-definition","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":[]}}`:                "",
	} {
		o, err := Decode([]byte(in))
		if err != nil || o.TLP() != want {
			t.Errorf("%s: got %q, %v, want %q", in, o.TLP(), err, want)
		}
	}
	if got := TLPOf("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"); got != "amber+strict" {
		t.Errorf("got %q", got)
	}
	if got := Stricter(Stricter("", "green"), "clear"); got != "green" {
		t.Errorf("got %q", got)
	}
}

func TestDecodeRefusesWhatIsNoObject(t *testing.T) {
	for _, in := range []string{"", "7", "{}", `{"type":5}`, `{"type":"indicator","pattern":{}}`} {
		if o, err := Decode([]byte(in)); err == nil {
			t.Errorf("%s: got %+v", in, o)
		}
	}
	if _, err := Time("yesterday"); err == nil {
		t.Error("yesterday is a timestamp")
	}
}
