package record

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func gz(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// member is a file of an archive.
type member struct {
	name string
	data []byte
}

func zipOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rows returns n JSON lines that begin with first.
func rows(first, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d}\n", first+i)
	}
	return b.Bytes()
}

// put writes a file into dir.
func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// story reads paths to their end and tells, in order, each input with its
// number of records and of records that were set aside, and each problem.
func story(t *testing.T, opt Options, paths ...string) (inputs, problems []string) {
	t.Helper()
	defer goleak.VerifyNone(t)
	s, err := Open(paths, opt)
	if err != nil {
		t.Fatal(err)
	}
	fl := NewFlattener(NewPaths(0), s.Limits())
	good, bad := map[string]int{}, map[string]int{}
	for {
		c, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		name := c.Input.Name
		if c.First != (good[name]+bad[name] == 0) {
			t.Errorf("%s: a chunk says First %v behind %d records", name, c.First, good[name]+bad[name])
		}
		c.Each(fl, func(int, *Record) { good[name]++ }, func(int, Reject) { bad[name]++ })
		c.Release()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	strip := func(s string) string {
		for _, p := range paths {
			s = strings.ReplaceAll(s, filepath.Dir(p)+"/", "")
		}
		return s
	}
	for _, in := range s.Inputs() {
		line := fmt.Sprintf("%s: %v, %s, %d", strip(in.Name), in.Format, in.Shape, good[in.Name])
		if bad[in.Name] > 0 {
			line += fmt.Sprintf(" and %d set aside", bad[in.Name])
		}
		inputs = append(inputs, line)
	}
	for _, in := range s.Skipped() {
		inputs = append(inputs, strip(in.Name)+": passed over: "+in.Shape)
	}
	for _, p := range s.Problems() {
		problems = append(problems, strip(p.Error()))
	}
	return inputs, problems
}

func TestArchives(t *testing.T) {
	dir := t.TempDir()
	three := rows(1, 3)
	for _, tt := range []struct {
		name     string
		data     []byte
		inputs   []string
		problems []string
	}{
		{"a.json.gz", gz(t, three), []string{"a.json.gz: json, JSON lines, 3"}, nil},
		{"two.gz", append(gz(t, three), gz(t, rows(9, 2))...), []string{"two.gz: json, JSON lines, 5"}, nil},
		{"a.json.zst", zst(t, three), []string{"a.json.zst: json, JSON lines, 3"}, nil},
		{"padded.gz", append(gz(t, three), make([]byte, 10_000)...), []string{"padded.gz: json, JSON lines, 3"}, nil},
		{"more.gz", append(gz(t, three), 0, 0, 'x'), []string{"more.gz: json, JSON lines, 3"}, []string{"more.gz: the gzip data is "}},
		{"cut.gz", gz(t, three)[:len(gz(t, three))-14], []string{"cut.gz: json, JSON lines, 3"}, []string{"cut.gz: the gzip data is cut short"}},
		{"sum.gz", gz(t, three)[:len(gz(t, three))-6], []string{"sum.gz: json, JSON lines, 3"}, []string{"sum.gz: the gzip data is cut short"}},
		{"skippable.zst", append([]byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"), zst(t, three)...), []string{"skippable.zst: json, JSON lines, 3"}, nil},
		{"misnamed.json", gz(t, three), []string{"misnamed.json: json, JSON lines, 3"}, nil},
		{"a.zip", zipOf(t, member{"b.json", three}, member{"d/", nil}, member{"d/a.json", rows(1, 2)}, member{"__MACOSX/._b.json", three}, member{".hidden", three}, member{"README", []byte("read me\n")}),
			[]string{"a.zip!b.json: json, JSON lines, 3", "a.zip!d/a.json: json, JSON lines, 2", "a.zip!README: passed over: " + errUnknownFormat.Error()}, nil},
		{"nested.zip", zipOf(t, member{"a.json.gz", gz(t, three)}, member{"b.zst", zst(t, three)}, member{"c.zip", zipOf(t, member{"d.json", three})}),
			[]string{"nested.zip!a.json.gz: json, JSON lines, 3", "nested.zip!b.zst: json, JSON lines, 3", "nested.zip!c.zip!d.json: json, JSON lines, 3"}, nil},
		{"a.tar.gz", gz(t, tarOf(t, member{"x/a.json", three}, member{"x/b.json.gz", gz(t, three)})),
			[]string{"a.tar.gz!x/a.json: json, JSON lines, 3", "a.tar.gz!x/b.json.gz: json, JSON lines, 3"}, nil},
		{"zip.gz", gz(t, zipOf(t, member{"a.json", three})), []string{"zip.gz!a.json: json, JSON lines, 3"}, nil},
		{"empty", nil, []string{"empty: json, empty, 0"}, nil},
		{"empty.gz", gz(t, nil), []string{"empty.gz: json, empty, 0"}, nil},
		{"empty.zip", zipOf(t), nil, nil},
		{"deep.gz", gz(t, gz(t, gz(t, gz(t, gz(t, three))))), nil, []string{"deep.gz: archives are nested more than 4 deep; unpack them first"}},
		{"header.gz", []byte{0x1f, 0x8b, 8}, nil, []string{"header.gz: the gzip header is damaged: unexpected EOF"}},
		{"garbled.zip", []byte("PK\x03\x04 and no more"), nil, []string{"garbled.zip: the zip archive is damaged or cut: zip: not a valid zip file"}},
		{"garbled.tar", append(tarOf(t, member{"a.json", three})[:1024], bytes.Repeat([]byte("x"), 2048)...),
			[]string{"garbled.tar!a.json: json, JSON lines, 3"}, []string{"garbled.tar: the tar archive is damaged or cut: archive/tar: invalid tar header"}},
		{"damaged.zst", append(zst(t, three)[:12], 1, 2, 3, 4, 5, 6, 7, 8), nil, []string{"damaged.zst: the zstd data is "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := put(t, dir, tt.name, tt.data)
			inputs, problems := story(t, Options{Auto: true}, p)
			if diff := cmp.Diff(tt.inputs, inputs); diff != "" {
				t.Error(diff)
			}
			if len(problems) != len(tt.problems) {
				t.Fatalf("problems %q, want %q", problems, tt.problems)
			}
			for i := range problems {
				if !strings.HasPrefix(problems[i], tt.problems[i]) {
					t.Errorf("problem %q, want %q", problems[i], tt.problems[i])
				}
			}
		})
	}
}

func TestCutGzipKeepsWhatStoodBefore(t *testing.T) {
	whole := gz(t, rows(0, 50_000))
	p := put(t, t.TempDir(), "cut.json.gz", whole[:len(whole)/2])
	inputs, problems := story(t, Options{Auto: true}, p)
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "cut.json.gz: the gzip data is cut short") {
		t.Errorf("problems: %q", problems)
	}
	n := 0
	if len(inputs) == 1 {
		_, _ = fmt.Sscanf(inputs[0], "cut.json.gz: json, JSON lines, %d", &n)
	}
	if n < 10_000 || n >= 50_000 {
		t.Errorf("inputs: %q", inputs)
	}
}

func TestEncryptedMember(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "secret.json", Flags: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(rows(1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	p := put(t, t.TempDir(), "a.zip", b.Bytes())
	if _, problems := story(t, Options{Auto: true}, p); len(problems) != 1 || problems[0] != "a.zip!secret.json: the member is encrypted; unpack it first" {
		t.Errorf("problems: %q", problems)
	}
}

// Every bound on archives ends its input with a clear word, in little memory,
// and the next input is read.
func TestDecompressionBounds(t *testing.T) {
	dir := t.TempDir()
	good := put(t, dir, "z-good.json", rows(1, 1))
	spaces := bytes.Repeat([]byte(" "), 3<<20)
	lines := bytes.Repeat([]byte("{}\n"), 1<<20)
	many := make([]member, 7)
	for i := range many {
		many[i] = member{fmt.Sprintf("%d.json", i), rows(i, 1)}
	}
	crowd := make([]member, 30_000)
	for i := range crowd {
		crowd[i] = member{fmt.Sprintf("%d.json", i), nil}
	}
	small := Options{Format: FormatEVE, Decompressed: 2 << 20, Spooled: 500_000, Members: 5, Limits: Limits{Line: 100_000}}
	for _, tt := range []struct {
		name    string
		data    []byte
		problem string
	}{
		{"spaces.gz", gz(t, spaces), "decompressed to more than 2097152 bytes"},
		{"lines.gz", gz(t, lines), "decompressed to more than 2097152 bytes"},
		{"lines.zst", zst(t, lines), "decompressed to more than 2097152 bytes"},
		{"lines.zip", zipOf(t, member{"a", lines[:3<<19]}, member{"b", lines[:3<<19]}), "decompressed to more than 2097152 bytes"},
		{"nested.zip", zipOf(t, member{"a.gz", gz(t, lines[:3<<19])}, member{"b.gz", gz(t, lines[:3<<19])}, member{"c.gz", gz(t, lines[:3<<19])}), "decompressed to more than 2097152 bytes"},
		{"nested.tar", tarOf(t, member{"a.gz", gz(t, lines[:3<<19])}, member{"b.gz", gz(t, lines[:3<<19])}, member{"c.gz", gz(t, lines[:3<<19])}), "decompressed to more than 2097152 bytes"},
		{"spooled.gz", gz(t, zipOf(t, member{"a.json", noise(600_000)})), "larger than the 500000 bytes"},
		{"sparse.tar", sparseTar(t), "the member is a sparse file"},
		{"many.zip", zipOf(t, many...), "more than 5 members"},
		{"crowd.zip", zipOf(t, crowd...), "table of contents is larger than that of 5 members"},
		{"many.tar", tarOf(t, many...), "more than 5 members"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inputs, problems := story(t, small, put(t, dir, tt.name, tt.data), good)
			others := len(problems) > 1 && tt.name != "nested.zip" // whose members are read side by side
			if len(problems) == 0 || others || !strings.Contains(problems[0], tt.name) || !strings.Contains(problems[0], tt.problem) {
				t.Errorf("problems: %q", problems)
			}
			if len(inputs) == 0 || inputs[len(inputs)-1] != "z-good.json: eve, JSON lines, 1" {
				t.Errorf("inputs: %q", inputs)
			}
		})
	}
}

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

// sparseTar returns an archive whose only member says, in PAX records, that
// it is a file of 64 GiB that is mostly hole.
func sparseTar(t testing.TB) []byte {
	t.Helper()
	record := func(key, value string) string {
		n := len(" "+key+"="+value+"\n") + 2 // two digits of length
		return fmt.Sprintf("%d %s=%s\n", n, key, value)
	}
	pax := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.realsize", "68719476736")
	data := append(fmt.Appendf(nil, "%-512s", "1\n0\n8\n"), "{\"n\":1}\n"...)
	header := func(kind byte, name string, size int) []byte {
		plain := tarOf(t, member{name, make([]byte, size)})[:512]
		plain[156] = kind
		copy(plain[148:156], "        ")
		sum := 0
		for _, c := range plain {
			sum += int(c)
		}
		copy(plain[148:], fmt.Sprintf("%06o\x00 ", sum))
		return plain
	}
	block := func(b []byte) []byte { return append(b, make([]byte, -len(b)&511)...) }
	return slices.Concat(header('x', "pax", len(pax)), block([]byte(pax)), header('0', "log.json", len(data)), block(data), make([]byte, 1024))
}

// endless gives the same bytes for ever, or until n is used up.
type endless struct {
	text []byte
	n    int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), e.n)], e.text)
	e.n -= int64(n)
	return n, nil
}

func TestDecompressionRatio(t *testing.T) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	half := &endless{bytes.Repeat([]byte(" "), 1<<20), ratioFrom}
	if _, err := io.Copy(w, io.MultiReader(half, bytes.NewReader(bytes.Repeat([]byte(" "), 8<<20)))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p := put(t, t.TempDir(), "bomb.gz", b.Bytes())
	_, problems := story(t, Options{Format: FormatEVE, Ratio: 50}, p)
	if len(problems) != 1 || !strings.Contains(problems[0], "decompressed to more than 50 times its size") {
		t.Errorf("problems: %q", problems)
	}
}
