package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A command in a document is run when <!-- run --> stands before its fence.
// When <!-- output --> follows, the fence after that holds what it prints.
var documented = regexp.MustCompile("(?s)<!-- run -->\n```sh\n(.*?)```\n(?:<!-- output -->\n```text\n(.*?)```\n)?")

// TestDocuments runs the commands of the documents, so that what a newcomer
// copies works.
func TestDocuments(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(documents, filepath.Join(root, "README.md")) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := checkout(t, root)
			var b bytes.Buffer
			end := 0
			for _, m := range documented.FindAllSubmatchIndex(text, -1) {
				got := shell(t, dir, string(text[m[2]:m[3]]))
				if m[4] < 0 {
					continue
				}
				if want := string(text[m[4]:m[5]]); got != want && !*update {
					t.Errorf("the commands\n%sprint\n%sbut the document says\n%sIf it should, run go test ./cli -run TestDocuments -update",
						text[m[2]:m[3]], got, want)
				}
				b.Write(text[end:m[4]])
				b.WriteString(got)
				end = m[5]
			}
			if *update && end > 0 {
				b.Write(text[end:])
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// checkout is a directory in which the documents' paths hold, and in which
// their outputs may be written.
func checkout(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	borj, err := exec.LookPath("borj") // this test binary, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{"bin/borj": borj, "internal": filepath.Join(root, "internal")} {
		if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func shell(t *testing.T, dir, commands string) string {
	t.Helper()
	var out, messages bytes.Buffer
	cmd := exec.Command("sh", "-e", "-c", commands)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &messages
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s%v\n%s", commands, err, messages.String())
	}
	return out.String()
}

// link finds the targets of links in a document, anchors and web addresses
// left out.
var link = regexp.MustCompile(`\]\(([^)#:\s]+)\)`)

// TestLinks holds every link between the documents to a file that exists.
func TestLinks(t *testing.T) {
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "bin" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if filepath.Ext(file) != ".md" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s links to %s, which does not exist", strings.TrimPrefix(file, "../"), m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
