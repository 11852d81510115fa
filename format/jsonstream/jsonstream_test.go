package jsonstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// rebuild reads a document through all of the Reader's methods.
func rebuild(r *Reader) (any, error) {
	c, err := r.Peek()
	if err != nil {
		return nil, err
	}
	switch c {
	case '[':
		list := []any{}
		err := r.Array(func() error {
			v, err := rebuild(r)
			list = append(list, v)
			return err
		})
		return list, err
	case '{':
		object := map[string]any{}
		err := r.Object(func(key string) error {
			v, err := rebuild(r)
			object[key] = v
			return err
		})
		return object, err
	}
	raw, err := r.Raw()
	if err != nil {
		return nil, err
	}
	var v any
	err = json.Unmarshal(raw, &v)
	return v, err
}

func TestReadersAgreeWithEncodingJSON(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) any {
		var draw func(depth int) any
		draw = func(depth int) any {
			switch n := rapid.IntRange(0, 6).Draw(t, "kind"); {
			case n == 0:
				return rapid.Bool().Draw(t, "bool")
			case n == 1:
				return rapid.Float64().Draw(t, "number")
			case n == 2:
				return nil
			case n <= 4 || depth == 0:
				return rapid.StringOf(rapid.RuneFrom([]rune(`a"\{}[]:, é`))).Draw(t, "text")
			case n == 5:
				list := []any{}
				for range rapid.IntRange(0, 3).Draw(t, "n") {
					list = append(list, draw(depth-1))
				}
				return list
			}
			object := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "n") {
				object[rapid.StringOf(rapid.RuneFrom([]rune(`k"\:`))).Draw(t, "key")] = draw(depth - 1)
			}
			return object
		}
		return draw(4)
	})
	rapid.Check(t, func(t *rapid.T) {
		want := value.Draw(t, "value")
		text, err := json.MarshalIndent(want, "", rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		var in io.Reader = bytes.NewReader(text)
		if rapid.Bool().Draw(t, "one byte at a time") {
			in = iotest.OneByteReader(in)
		}
		raw, err := NewReader(in, 1<<20).Raw()
		if err != nil || string(raw) != string(text) {
			t.Fatalf("Raw: got %q, %v, want %q", raw, err, text)
		}
		if _, isList := want.([]any); isList {
			var got []any
			r := NewReader(bytes.NewReader(text), 1<<20)
			err := r.Array(func() error {
				raw, err := r.Raw()
				if err != nil {
					return err
				}
				var v any
				got = append(got, v)
				return json.Unmarshal(raw, &got[len(got)-1])
			})
			if d := cmp.Diff(want, append([]any{}, got...)); err != nil || d != "" {
				t.Fatalf("Array: %v, %s", err, d)
			}
		}
		if _, isObject := want.(map[string]any); isObject {
			got, err := rebuild(NewReader(bytes.NewReader(text), 1<<20))
			if d := cmp.Diff(want, got); err != nil || d != "" {
				t.Fatalf("Object: %v, %s", err, d)
			}
		}
	})
}

func TestSeveralTexts(t *testing.T) {
	r := NewReader(strings.NewReader("{\"a\":1}\n 2 \"x\"true[]"), 100)
	var got []string
	for {
		if _, err := r.Peek(); errors.Is(err, io.EOF) {
			break
		}
		raw, err := r.Raw()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(raw))
	}
	if d := cmp.Diff([]string{`{"a":1}`, "2", `"x"`, "true", "[]"}, got); d != "" {
		t.Error(d)
	}
}

func TestBrokenInputSaysWhere(t *testing.T) {
	all := func(r *Reader) error { return r.Array(func() error { return r.Skip() }) }
	object := func(r *Reader) error { return r.Object(func(string) error { _, err := r.Raw(); return err }) }
	for _, c := range []struct {
		name, in string
		read     func(*Reader) error
		offset   int64
		want     error
	}{
		{"cut array", "[1,", all, 3, io.ErrUnexpectedEOF},
		{"cut string", `["x`, all, 3, io.ErrUnexpectedEOF},
		{"no comma", "[1 2]", all, 3, nil},
		{"no element", "[,]", all, 1, nil},
		{"no key", "{1:2}", object, 1, nil},
		{"no colon", `{"a" 1}`, object, 5, nil},
		{"large value", `{"a":"` + strings.Repeat("x", 100) + `"}`, object, 5, ErrLarge},
		{"deep walk", strings.Repeat("[", MaxDepth+2), func(r *Reader) error { _, err := rebuild(r); return err }, MaxDepth, errDepth},
		{"deep value", strings.Repeat("[", MaxDepth+2), all, 1, nil},
	} {
		var e *Error
		err := c.read(NewReader(strings.NewReader(c.in), 50))
		if !errors.As(err, &e) || e.Offset != c.offset || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want byte %d", c.name, err, c.offset)
		}
	}
	if err := NewReader(strings.NewReader(`"`+strings.Repeat("x", 1<<20)+`"`), 50).Skip(); err != nil {
		t.Errorf("Skip of a large value: %v", err)
	}
}

func TestLargeValueIsPassedOver(t *testing.T) {
	for _, one := range []bool{false, true} {
		var in io.Reader = strings.NewReader(`[1,{"a":"` + strings.Repeat(`]}\"`, 1<<16) + `"},"b",` + strings.Repeat("5", 60) + `,2]`)
		if one {
			in = iotest.OneByteReader(in)
		}
		r := NewReader(in, 50)
		var got []string
		err := r.Array(func() error {
			raw, err := r.Raw()
			if errors.Is(err, ErrLarge) {
				got = append(got, "large")
				return nil
			}
			got = append(got, string(raw))
			return err
		})
		if d := cmp.Diff([]string{"1", "large", `"b"`, "large", "2"}, got); err != nil || d != "" {
			t.Errorf("%v %s", err, d)
		}
	}
	if _, err := NewReader(strings.NewReader(`"`+strings.Repeat("x", 100)), 50).Raw(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a large value that is cut: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{`{"objects":[{"a":"\""},[],1e5,null]}`, "[", `{"a"`, "1 2 3", `"\\"`, "]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := NewReader(strings.NewReader(s), 1<<16)
		for range 1000 {
			if _, err := r.Peek(); err != nil {
				break
			}
			before := r.Offset()
			raw, err := r.Raw()
			if err != nil {
				break
			}
			if len(raw) == 0 || r.Offset() <= before {
				t.Fatalf("no progress at byte %d of %q", before, s)
			}
		}
	})
}
