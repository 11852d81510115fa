package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestDirectoryInOrder(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/b.json", rows(1, 2))
	put(t, dir, "in/a/z.json", rows(1, 1))
	put(t, dir, "in/a/y.json.gz", gz(t, rows(1, 3)))
	put(t, dir, "in/.git/x.json", rows(1, 1))
	put(t, dir, "in/__MACOSX/x.json", rows(1, 1))
	put(t, dir, "in/notes.txt", []byte("nothing\nto see\n"))
	put(t, dir, "in/x.evtx", []byte("ElfFile\x00\x00\x00"))
	inputs, problems := story(t, Options{Auto: true}, filepath.Join(dir, "in"))
	want := []string{
		"in/a/y.json.gz: json, JSON lines, 3", "in/a/z.json: json, JSON lines, 1", "in/b.json: json, JSON lines, 2",
		"in/notes.txt: passed over: " + errUnknownFormat.Error(),
		"in/x.evtx: passed over: a Windows EVTX file: export its events as JSON first: " + errUnknownFormat.Error(),
	}
	if diff := cmp.Diff(want, inputs); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

func TestDirectoryBehindALink(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/a.json", rows(1, 1))
	if err := os.Symlink("in", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".", filepath.Join(dir, "in", "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.json", filepath.Join(dir, "in", "same.json")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "in", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs, problems := story(t, Options{Auto: true}, filepath.Join(dir, "link"))
	want := []string{
		"link/a.json: json, JSON lines, 1", "link/same.json: json, JSON lines, 1",
		"link/loop: passed over: a link to a directory, which is not followed: name it to have it read",
		"link/pipe: passed over: a pipe or device, which might never end: name it to have it read",
	}
	if diff := cmp.Diff(want, inputs); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

// A pipe that nobody writes to any more does not hold up Close.
func TestCloseWithAnOpenPipe(t *testing.T) {
	r, w := io.Pipe()
	s, err := Open([]string{"-"}, Options{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat(rows(1, 1), 300_000)
	go func() {
		_, _ = w.Write(text) // fails when the test is over
	}()
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
}

// Close ends a Next that waits for an idle input, and may come again.
func TestCloseEndsAWaitingNext(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	s, err := Open([]string{"-"}, Options{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := s.Next()
		ended <- err
	}()
	time.Sleep(10 * time.Millisecond) // long enough for Next to wait, mostly
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Next still waits")
	}
	if _, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/b.json", rows(1, 1))
	put(t, dir, "in/a/z.json", rows(1, 1))
	named := put(t, dir, "named.zip", nil)
	s, err := Open([]string{"-", named, filepath.Join(dir, "missing"), filepath.Join(dir, "in")}, Options{Stdin: strings.NewReader("")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := []string{named, filepath.Join(dir, "in", "a", "z.json"), filepath.Join(dir, "in", "b.json")}
	if diff := cmp.Diff(want, s.Files()); diff != "" {
		t.Error(diff)
	}
}

// What cannot be read is named, with what to do, and the others are read.
func TestProblems(t *testing.T) {
	dir := t.TempDir()
	good := put(t, dir, "good.json", rows(1, 2))
	evtx := put(t, dir, "a.evtx", []byte("ElfFile\x00\x00\x00"))
	pcap := put(t, dir, "a.pcap", []byte("\xd4\xc3\xb2\xa1\x02\x00"))
	prose := put(t, dir, "prose.txt", []byte("Dear all,\nplease see below.\n"))
	array := put(t, dir, "cut.json", []byte(`[{"a":1},{"a":2},`))
	header := put(t, dir, "bad.csv", []byte("a,\"b\n1,2\n"))
	inputs, problems := story(t, Options{Auto: true}, filepath.Join(dir, "missing.json"), evtx, pcap, prose, array, header, good)
	wantProblems := []string{
		"missing.json: no such file or directory; check the name",
		"a.evtx: a Windows EVTX file: export its events as JSON first: " + errUnknownFormat.Error(),
		"a.pcap: a packet capture: read it with Suricata or Zeek first: " + errUnknownFormat.Error(),
		"prose.txt: " + errUnknownFormat.Error(),
		"cut.json: " + errOpenArray.Error(),
		"bad.csv: " + errUnknownFormat.Error(),
	}
	if diff := cmp.Diff(wantProblems, problems); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cut.json: json, JSON array, 2", "good.json: json, JSON lines, 2"}, inputs); diff != "" {
		t.Error(diff)
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read every file")
	}
	p := put(t, t.TempDir(), "locked.json", rows(1, 1))
	if err := os.Chmod(p, 0); err != nil {
		t.Fatal(err)
	}
	if _, problems := story(t, Options{Auto: true}, p); len(problems) != 1 || problems[0] != "locked.json: permission denied; check its permissions" {
		t.Errorf("problems: %q", problems)
	}
}

func TestOpenNothing(t *testing.T) {
	if _, err := Open(nil, Options{}); err == nil {
		t.Error("no inputs are no error")
	}
}

func TestStandardInput(t *testing.T) {
	for name, in := range map[string][]byte{"plain": rows(1, 4), "gzip": gz(t, rows(1, 4)), "zip": zipOf(t, member{"a", rows(1, 4)}), "tar": tarOf(t, member{"a", rows(1, 4)})} {
		inputs, problems := story(t, Options{Auto: true, Stdin: bytes.NewReader(in)}, "-")
		if len(inputs) != 1 || !strings.HasSuffix(inputs[0], ": json, JSON lines, 4") || len(problems) > 0 {
			t.Errorf("%s: %q %q", name, inputs, problems)
		}
	}
}

func TestProgress(t *testing.T) {
	dir := t.TempDir()
	a, b := put(t, dir, "a.json", rows(1, 1000)), put(t, dir, "b.json.gz", gz(t, rows(1, 5000)))
	size := int64(0)
	for _, p := range []string{a, b} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	s, err := Open([]string{a, b}, Options{Auto: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if read, total := s.Progress(); read != 0 || total != size {
		t.Errorf("before: %d of %d, want 0 of %d", read, total, size)
	}
	for {
		c, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		c.Release()
	}
	if read, total := s.Progress(); read != size || total != size {
		t.Errorf("after: %d of %d, want all of %d", read, total, size)
	}
	if s, err = Open([]string{a, "-"}, Options{Stdin: strings.NewReader("")}); err != nil {
		t.Fatal(err)
	}
	if _, total := s.Progress(); total != 0 {
		t.Errorf("with standard input: %d", total)
	}
}

// A source may be left at any time.
func TestCloseEarly(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"a.json.gz", "b.json.zst", "c.zip", "d.tar"} {
		data := rows(1, 200_000)
		switch filepath.Ext(name) {
		case ".gz":
			data = gz(t, data)
		case ".zst":
			data = zst(t, data)
		case ".zip":
			data = zipOf(t, member{"a", data}, member{"b", data})
		case ".tar":
			data = tarOf(t, member{"a", data}, member{"b", data})
		}
		paths = append(paths, put(t, dir, name, data))
	}
	for n := range 8 {
		s, err := Open(paths, Options{Auto: true})
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			c, err := s.Next()
			if err != nil {
				break
			}
			c.Release()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// A gigabyte without a line end passes by in bounded memory.
func TestEndlessLine(t *testing.T) {
	const size = 256 << 20
	text := io.MultiReader(strings.NewReader("{\"n\":1}\n"), &endless{bytes.Repeat([]byte("A"), 1<<20), size}, strings.NewReader("\n{\"n\":2}\n"))
	s, err := Open([]string{"-"}, Options{Format: FormatEVE, Stdin: text, Limits: Limits{Line: 4 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fl := NewFlattener(NewPaths(0), Limits{Line: 4 << 20, Depth: 8, Fields: 8})
	good, bad, largest := 0, []Reject(nil), 0
	for {
		c, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		largest = max(largest, cap(c.block))
		c.Each(fl, func(int, *Record) { good++ }, func(_ int, r Reject) { bad = append(bad, r) })
		c.Release()
	}
	if good != 2 || len(bad) != 1 || bad[0].Bytes != size || bad[0].Offset != 8 || bad[0].Reason != ErrLine.Error() {
		t.Errorf("%d records, set aside %+v", good, bad)
	}
	if largest > 9<<20 {
		t.Errorf("a chunk held %d bytes", largest)
	}
}

// Whatever stands between two records, both are read, and what is no record is
// set aside with a reason.
func TestHostileLines(t *testing.T) {
	const good = `{"event_type":"dns","timestamp":"2026-01-01T00:00:00Z"}` + "\n"
	keys := "{"
	for i := range 20_000 {
		keys += fmt.Sprintf(`"k%d":1,`, i)
	}
	for _, tt := range []struct {
		name, bad, reason string
	}{
		{"truncated", `{"event_type":"dns","src_ip":"10.0.0.1`, "the record ends inside a string"},
		{"not JSON", "\x00\xff\xfe garbage \x00", "not a JSON object"},
		{"deep objects", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), ErrDepth.Error()},
		{"deep arrays", `{"a":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + "}", ErrDepth.Error()},
		{"bad escape", `{"event_type":"\u12","x":"\"}`, "\\u needs four hexadecimal digits"},
		{"many keys", keys + `"z":1}`, ErrFields.Error()},
		{"two records", `{"event_type":"dns"} {"x":`, "something follows the object"},
		{"a long line", `{"x":"` + strings.Repeat("A", 3<<20) + `"}`, ErrLine.Error()},
		{"white space", "\n\n \n\t", ""},
	} {
		for _, auto := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " auto ", auto), func(t *testing.T) {
				opt := Options{Auto: auto, Format: FormatEVE, Limits: Limits{Line: 2 << 20}}
				opt.Stdin = strings.NewReader(good + tt.bad + "\n" + good)
				got, s := readTally(t, opt, nil, "-")
				in := got["-"]
				if in == nil || in.good != 2 || in.format != FormatEVE || in.shape != ShapeLines || len(s.Problems()) > 0 {
					t.Fatalf("%+v, problems %v", in, s.Problems())
				}
				if tt.reason == "" && len(in.bad) == 0 {
					return
				}
				if len(in.bad) != 1 || !strings.Contains(in.bad[0].Reason, tt.reason) || in.bad[0].Input != "-" ||
					in.bad[0].Offset != int64(len(good)) || in.bad[0].Bytes != int64(len(tt.bad)) || !utf8.ValidString(in.bad[0].Sample) {
					t.Errorf("set aside: %+v", in.bad)
				}
			})
		}
	}
}

// FuzzInput: whatever arrives, reading ends without a panic, and each record
// is either read or set aside.
func FuzzInput(f *testing.F) {
	f.Add([]byte(windowsJSON))
	f.Add([]byte(zeekHead + "1\t-\t-\t-\t-\t-\n"))
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("\xff\xfe{\x00}\x00\n\x00"))
	f.Add(gz(f, []byte(eveLine)))
	f.Add(zst(f, []byte(eveLine)))
	f.Add(zipOf(f, member{"a.json", []byte(eveLine)}))
	f.Add(tarOf(f, member{"a.json", []byte(`{"Records":[{"a":1}]}`)}))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, opt := range []Options{{Auto: true}, {Format: FormatEVE}, {Format: FormatZeek}, {Format: FormatCSV}, {Format: FormatAudit}} {
			opt.Stdin, opt.Decompressed, opt.Limits = bytes.NewReader(text), 1<<20, Limits{Line: 1 << 16}
			s, err := Open([]string{"-"}, opt)
			if err != nil {
				t.Fatal(err)
			}
			fl := NewFlattener(NewPaths(50), s.Limits())
			for {
				c, err := s.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				seen := 0
				records := c.Each(fl, func(_ int, r *Record) {
					seen++
					fieldsText(r)
					if event := r.AppendEvent(nil); !json.Valid(event) {
						t.Errorf("%q becomes %q", r.Raw, event)
					}
				}, func(_ int, r Reject) {
					seen++
					if r.Reason == "" || r.Offset < 0 || r.Bytes <= 0 || !utf8.ValidString(r.Sample) {
						t.Errorf("set aside: %+v", r)
					}
				})
				if seen != records {
					t.Errorf("%d records of %d", seen, records)
				}
				c.Release()
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
