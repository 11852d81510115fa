package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAudit(t *testing.T) {
	const stamp = `msg=text:"audit(1.250:7)"`
	for _, tt := range []struct{ name, text, want string }{
		{"syscall", `type=SYSCALL msg=audit(1.250:7): arch=c000003e syscall=59 success=yes a0=558e a1=3231 exit=-13 comm="dd" exe="/bin/dd" key=(null)`,
			`type=text:"SYSCALL" ` + stamp + ` arch=text:"c000003e" syscall=number:"59" success=text:"yes" a0=text:"558e" a1=number:"3231" exit=number:"-13" comm=text:"dd" exe=text:"/bin/dd" key=null:"(null)"`},
		{"arguments", `type=EXECVE msg=audit(1.250:7): argc=3 a0="sh" a1="-c" a2=6563686F2022612022`,
			`type=text:"EXECVE" ` + stamp + ` argc=number:"3" a0=text:"sh" a1=text:"-c" a2=text:"echo \"a \""`},
		{"a long argument in parts", `type=EXECVE msg=audit(1.250:7): argc=2 a1_len=4 a1[0]=4142 a1[1]=4344`,
			`type=text:"EXECVE" ` + stamp + ` argc=number:"2" a1_len=number:"4" a1=text:"AB" a1=text:"CD"`},
		{"node", `node=web1 type=CWD msg=audit(1.250:7): cwd=2F746D702F61206220`, `node=text:"web1" type=text:"CWD" ` + stamp + ` cwd=text:"/tmp/a b "`},
		{"behind syslog", `<13>Jan  1 00:00:00 h audispd: type=CWD msg=audit(1.250:7): cwd="/"`, `type=text:"CWD" ` + stamp + ` cwd=text:"/"`},
		{"nested", `type=USER_LOGIN msg=audit(1.250:7): pid=1 msg='op=login acct="root" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.1 res=failed'`,
			`type=text:"USER_LOGIN" ` + stamp + ` pid=number:"1" msg=text:"op=login acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.1 res=failed" op=text:"login" acct=text:"root" exe=text:"/usr/sbin/sshd" hostname=text:"?" addr=text:"192.0.2.1" res=text:"failed"`},
		{"enriched", "type=SYSCALL msg=audit(1.250:7): syscall=59 uid=0\x1dSYSCALL=execve UID=\"root\"", `type=text:"SYSCALL" ` + stamp + ` syscall=number:"59" uid=number:"0" SYSCALL=text:"execve" UID=text:"root"`},
		{"quoted digits are text", `type=PATH msg=audit(1.250:7): name="4142" mode=0100755`, `type=text:"PATH" ` + stamp + ` name=text:"4142" mode=text:"0100755"`},
		{"a quote without an end", `type=CWD msg=audit(1.250:7): cwd="/tmp`, `type=text:"CWD" ` + stamp + ` cwd=text:"\"/tmp"`},
		{"words and empty values", `type=X msg=audit(1.250:7): hello a= =b end`, `type=text:"X" ` + stamp + ` a=text:"" =text:"b"`},
		{"other text", "hello", "! " + errNotAudit.Error()},
		{"JSON", `{"type":"CWD"}`, "! " + errNotAudit.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := brief(mustCut(t, tt.text+"\r\n", layout{format: FormatAudit, shape: ShapeAudit}))
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuditTitleHasSpaces(t *testing.T) {
	got := brief(mustCut(t, "type=PROCTITLE msg=audit(1.250:7): proctitle=617270002D61\n", layout{format: FormatAudit, shape: ShapeAudit}))
	if want := `type=text:"PROCTITLE" msg=text:"audit(1.250:7)" proctitle=text:"arp -a"`; len(got) != 1 || got[0] != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestAuditRefused(t *testing.T) {
	text := "type=X msg=audit(1.2:3): a=1\ntype=X msg=audit(1.2:3): " + strings.Repeat("x", 30) + "\n"
	got, err := cutText(strings.NewReader(text), layout{shape: ShapeAudit}, Limits{Line: 40, Depth: 4, Fields: 2}, 64)
	if diff := cmp.Diff([]string{"! " + ErrFields.Error(), "! " + ErrLine.Error()}, brief(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Fields that the path table has no room for keep their names, whatever stands
// in the text.
func TestTextBeyondThePathTable(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"type=X msg=audit(1.2:3): ]}[{ zz=\"}]\"", "}]"},
		{"#fields\ta\tb\tc\tzz\n]\t}\t{\tx]\n", "x]"},
		{"a,b,c,zz\n],},{,x]\n", "x]"},
	} {
		opt := Options{Auto: true, Stdin: strings.NewReader(tt.text)}
		s, err := Open([]string{"-"}, opt)
		if err != nil {
			t.Fatal(err)
		}
		fl := NewFlattener(NewPaths(3), s.Limits())
		c, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if n := c.Each(fl, func(_ int, r *Record) {
			if got, ok := r.First("zz"); !ok || got != tt.want {
				t.Errorf("%q: zz is %q, %v, want %q", tt.text, got, ok, tt.want)
			}
			for f := range r.Values("zz") {
				if r.Locate(f) != "zz" {
					t.Errorf("%q: zz stands at %q", tt.text, r.Locate(f))
				}
			}
			r.AppendEvent(nil)
		}, func(_ int, r Reject) { t.Errorf("%+v", r) }); n != 1 {
			t.Errorf("%q: %d records", tt.text, n)
		}
	}
}

// FuzzAudit: no line breaks the reader, its values lie within the line, and
// pairs of plain words come back as they are.
func FuzzAudit(f *testing.F) {
	f.Add("cwd=\"/tmp\" key=(null)", "word", "value")
	f.Add("msg='op=x acct=\"root\" res=success'\x1dUID=\"0\"", "a0", "4142")
	f.Add("a='b=\"c' \"d=e\"", "exe", "(null)")
	f.Fuzz(func(t *testing.T, rest, key, value string) {
		fl := NewFlattener(NewPaths(0), DefaultLimits)
		a := newAuditLines(fl)
		if r, err := a.read([]byte(rest)); err == nil {
			fieldsText(r)
		}
		r, err := a.read([]byte("type=X msg=audit(1.2:3): " + rest))
		if err != nil {
			t.Fatal(err)
		}
		fieldsText(r)
		r.AppendEvent(nil)
		if strings.ContainsAny(key+value, " '\"=[]\x1d,\n") || key == "" || value == "" || strings.HasPrefix(value, "audit(") {
			return
		}
		r, err = a.read(fmt.Appendf(nil, "type=X msg=audit(1.2:3): %s=\"%s\"", key, value))
		if err != nil || len(r.Fields) != 3 || r.String(&r.Fields[2]) != value {
			t.Fatalf("%q=%q: %s, %v", key, value, fieldsText(r), err)
		}
	})
}
