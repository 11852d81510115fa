package bench

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch/record"
	"github.com/bytedance/sonic"
	gojson "github.com/goccy/go-json"
	"github.com/minio/simdjson-go"
	"github.com/valyala/fastjson"
)

// reader is one way of looking at every field of a record.
type reader struct {
	name string
	make func() func(line []byte) error
}

// unmarshal is a reader that fills a T.
func unmarshal[T any](name string, into func([]byte, any) error) reader {
	return reader{name, func() func([]byte) error {
		return func(line []byte) error {
			var v T
			return into(line, &v)
		}
	}}
}

// BenchmarkFlatten compares the flat view of a record, every field of it, with
// what JSON libraries offer in its place. A struct gives only the fields that
// were known when the program was written, the others give all.
func BenchmarkFlatten(b *testing.B) {
	corpora := []struct {
		name       string
		lines      func(testing.TB) [][]byte
		intoStruct func(name string, into func([]byte, any) error) reader
	}{
		{"eve", func(testing.TB) [][]byte { return EVE() }, unmarshal[eveRecord]},
		{"windows", func(testing.TB) [][]byte { return Windows() }, unmarshal[windowsRecord]},
		{"eve-recorded", recordedEVE, unmarshal[eveRecord]},
		{"windows-recorded", recordedWindows, unmarshal[windowsRecord]},
	}
	for _, corpus := range corpora {
		b.Run(corpus.name, func(b *testing.B) {
			lines := corpus.lines(b)
			readers := []reader{
				{"borj", flatten},
				corpus.intoStruct("goccy-struct", gojson.Unmarshal),
				unmarshal[map[string]any]("goccy-map", gojson.Unmarshal),
				{"fastjson", parseFastJSON},
				{"simdjson", parseSIMDJSON},
				corpus.intoStruct("sonic-struct", sonic.ConfigDefault.Unmarshal),
				unmarshal[map[string]any]("sonic-map", sonic.ConfigDefault.Unmarshal),
				corpus.intoStruct("encoding-json-struct", json.Unmarshal),
				unmarshal[map[string]any]("encoding-json-map", json.Unmarshal),
			}
			for _, r := range readers {
				b.Run(r.name, func(b *testing.B) { readAll(b, lines, r.make()) })
			}
		})
	}
}

// readAll reads lines over and over; what is reported is per pass of them all.
func readAll(b *testing.B, lines [][]byte, read func([]byte) error) {
	for _, line := range lines { // whatever is learnt once is learnt here
		if err := read(line); err != nil {
			b.Fatalf("%v: %.200s", err, line)
		}
	}
	b.SetBytes(Bytes(lines))
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			if err := read(line); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func flatten() func([]byte) error {
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	return func(line []byte) error {
		_, err := fl.Flatten(line, record.FormatJSON)
		return err
	}
}

func parseFastJSON() func([]byte) error {
	var p fastjson.Parser
	return func(line []byte) error {
		_, err := p.ParseBytes(line)
		return err
	}
}

func parseSIMDJSON() func([]byte) error {
	var reuse *simdjson.ParsedJson
	return func(line []byte) (err error) {
		reuse, err = simdjson.Parse(line, reuse, simdjson.WithCopyStrings(false))
		return err
	}
}

// TestCorporaAreRead checks what the benchmark rests on: every reader accepts
// every record, and Borj finds as many values as encoding/json.
func TestCorporaAreRead(t *testing.T) {
	for _, lines := range [][][]byte{EVE(), Windows()} {
		fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
		for _, line := range lines[:500] {
			r, err := fl.Flatten(line, record.FormatJSON)
			if err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			var v map[string]any
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if want := values(v); len(r.Fields) != want {
				t.Fatalf("%d fields, want %d: %s", len(r.Fields), want, line)
			}
		}
	}
}

// values counts the values of v that are no objects or arrays.
func values(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			n += values(child)
		}
	case []any:
		for _, child := range v {
			n += values(child)
		}
	default:
		return 1
	}
	return n
}

// recordedBytes bounds the recorded corpora.
const recordedBytes = 64 << 20

// recordedEVE returns what Suricata wrote about public captures.
func recordedEVE(t testing.TB) [][]byte {
	files, _ := filepath.Glob(filepath.Join(recorded.Path(t), "suricata", "pcap-runs", "*.gz"))
	var lines [][]byte
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = appendLines(t, lines, z)
		f.Close()
	}
	return lines
}

// recordedWindows returns a part of each public recording of attacks.
func recordedWindows(t testing.TB) [][]byte {
	files, _ := filepath.Glob(filepath.Join(recorded.Path(t), "security-datasets", "atomic", "windows", "*", "host", "*.zip"))
	var lines [][]byte
	for _, name := range files {
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range z.File {
			if filepath.Ext(member.Name) != ".json" || filepath.Base(member.Name)[0] == '.' {
				continue
			}
			f, err := member.Open()
			if err != nil {
				t.Fatal(err)
			}
			lines = appendLines(t, lines, io.LimitReader(f, recordedBytes/int64(len(files))))
			f.Close()
		}
		z.Close()
	}
	return lines
}

// appendLines appends the whole lines of f.
func appendLines(t testing.TB, lines [][]byte, f io.Reader) [][]byte {
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); json.Valid(line) {
			lines = append(lines, line)
		}
	}
	return lines
}
