package pipeline

import (
	"slices"
	"strings"
	"testing"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// TestRecords feeds records, as different collectors write the same events, to
// a rule of each log source.
func TestRecords(t *testing.T) {
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]*sigma.Rule{
		"process":    rule(t, "{product: windows, category: process_creation}", "s: {Image|endswith: \\a.exe}\ncondition: s"),
		"registry":   rule(t, "{product: windows, category: registry_set}", "s: {TargetObject|endswith: \\Run, EventType: SetValue}\ncondition: s"),
		"service":    rule(t, "{product: windows, service: system}", "s: {Provider_Name: Service Control Manager, EventID: 7045, ImagePath|contains: a.exe}\ncondition: s"),
		"logon":      rule(t, "{product: windows, service: security}", "s: {EventID: 4624, LogonType: 9}\ncondition: s"),
		"defender":   rule(t, "{product: windows, service: windefend}", "s: {EventID: 1116, ThreatName: X}\ncondition: s"),
		"antivirus":  rule(t, "{category: antivirus}", "s: {Signature: X}\ncondition: s"),
		"task":       rule(t, "{product: windows, service: taskscheduler}", "s: {EventID: 106, TaskName: \\x}\ncondition: s"),
		"wmi":        rule(t, "{product: windows, service: wmi}", "s: {EventID: 5861, Query|contains: select}\ncondition: s"),
		"module":     rule(t, "{product: windows, category: ps_module}", "s: {Payload|contains: Get-X}\ncondition: s"),
		"script":     rule(t, "{product: windows, category: ps_script}", "s: {ScriptBlockText|contains: Get-X}\ncondition: s"),
		"start":      rule(t, "{product: windows, category: ps_classic_start}", "s: {Data|contains: HostApplication=x}\ncondition: s"),
		"any":        rule(t, "{product: windows}", "s: [needle]\ncondition: s"),
		"dns":        rule(t, "{category: dns}", "s: {query: bad.example}\ncondition: s"),
		"web":        rule(t, "{category: webserver}", "s: {cs-uri-query|contains: /etc/passwd}\ncondition: s"),
		"proxy":      rule(t, "{category: proxy}", "s: {c-useragent: evil, c-uri-extension: exe}\ncondition: s"),
		"cloudtrail": rule(t, "{product: aws, service: cloudtrail}", "s: {eventName: StopLogging}\ncondition: s"),
		"audit":      rule(t, "{product: linux, service: auditd}", "s: {type: EXECVE, a0: nc}\ncondition: s"),
		"linux":      rule(t, "{product: linux, category: process_creation}", "s: {Image|endswith: /nc, CommandLine|contains: ' -e '}\ncondition: s"),
		"plain":      rule(t, "{product: toaster}", "s: {crumbs: 7}\ncondition: s"),
	}
	for _, c := range []struct{ name, raw, want string }{
		{"Sysmon, NXLog", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\a.exe"}`, "process"},
		{"Sysmon, without a channel", `{"SourceName":"Microsoft-Windows-Sysmon","EventID":1,"Image":"C:\\a.exe"}`, "process"},
		{"Sysmon, EVTX", `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1},"EventData":{"Image":"C:\\a.exe"}}}`, "process"},
		{"Sysmon, Winlogbeat", `{"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","event_data":{"Image":"C:\\a.exe"}}}`, "process"},
		{"Sysmon, another event", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":7,"Image":"C:\\a.exe"}`, ""},
		{"another provider's event 1", `{"Channel":"System","EventID":1,"Image":"C:\\a.exe"}`, ""},
		{"4688", `{"Channel":"security","EventID":4688,"NewProcessName":"C:\\a.exe"}`, "process"},
		{"registry, NXLog", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":13,"EventType":"INFO","EventTypeOrignal":"SetValue","TargetObject":"HKLM\\Run"}`, "registry"},
		{"registry, 4657", `{"Channel":"Security","EventID":4657,"OperationType":"%%1905","ObjectName":"\\REGISTRY\\MACHINE","ObjectValueName":"Run"}`, "registry"},
		{"registry, 4657, a value deleted", `{"Channel":"Security","EventID":4657,"OperationType":"%%1906","ObjectName":"\\REGISTRY\\MACHINE","ObjectValueName":"Run"}`, ""},
		{"service, EVTX", `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Service Control Manager"}},"EventID":{"#attributes":{"Qualifiers":16384},"#text":7045},"Channel":"System"},"EventData":{"ImagePath":"%windir%\\a.exe"}}}`, "service"},
		{"logon", `{"Channel":"Security","EventID":4624,"LogonType":9}`, "logon"},
		{"Defender, EVTX", `{"Event":{"System":{"EventID":1116,"Channel":"Microsoft-Windows-Windows Defender/Operational"},"EventData":{"Threat Name":"X"}}}`, "antivirus defender"},
		{"task", `{"Channel":"Microsoft-Windows-TaskScheduler/Operational","EventID":106,"TaskName":"\\x"}`, "task"},
		{"WMI, EVTX", `{"Event":{"System":{"EventID":5861,"Channel":"Microsoft-Windows-WMI-Activity/Operational"},"UserData":{"Operation_ESStoConsumerBinding":{"Query":"select * from x"}}}}`, "wmi"},
		{"module", `{"Channel":"Microsoft-Windows-PowerShell/Operational","EventID":4103,"Payload":"Get-X","Message":"Get-X"}`, "module"},
		{"module, the message alone", `{"Channel":"PowerShellCore/Operational","EventID":4103,"Message":"CommandInvocation(Get-X)"}`, "module"},
		{"script", `{"Channel":"Microsoft-Windows-PowerShell/Operational","EventID":4104,"ScriptBlockText":"Get-X"}`, "script"},
		{"start, EVTX", `{"Event":{"System":{"EventID":{"#text":400},"Channel":"Windows PowerShell"},"EventData":{"Data":["Available","None","HostApplication=x"]}}}`, "start"},
		{"start, the message alone", `{"Channel":"Windows PowerShell","EventID":400,"Message":"…HostApplication=x"}`, "start"},
		{"any channel", `{"Channel":"Some-Product/Admin","EventID":1,"Text":"a needle"}`, "any"},
		{"no Windows event", `{"text":"a needle"}`, ""},
		{"DNS, Zeek", `{"_path":"dns","id.orig_h":"192.0.2.1","query":"bad.example"}`, "dns"},
		{"DNS, older Zeek", `{"@stream":"dns","id_orig_h":"192.0.2.1","query":"bad.example"}`, "dns"},
		{"a query of another Zeek log", `{"_path":"ldap","query":"bad.example"}`, ""},
		{"DNS, EVE", `{"event_type":"dns","dns":{"type":"query","rrname":"bad.example"}}`, "dns"},
		{"DNS, EVE version 3", `{"event_type":"dns","dns":{"version":3,"queries":[{"rrname":"bad.example"}]}}`, "dns"},
		{"web, W3C", `{"cs-method":"GET","cs-uri-query":"f=/etc/passwd"}`, "web"},
		{"web, nginx", `{"remote_addr":"192.0.2.1","request_method":"GET","request_uri":"/x?f=/etc/passwd","status":200}`, "web"},
		{"web, EVE", `{"event_type":"http","http":{"url":"/x?f=/etc/passwd"}}`, "web"},
		{"proxy, W3C", `{"c-useragent":"evil","c-uri-extension":"exe"}`, "proxy"},
		{"proxy, Zeek", `{"_path":"http","user_agent":"evil","uri":"/a.exe"}`, "proxy"},
		{"CloudTrail", `{"eventVersion":"1.08","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}`, "cloudtrail"},
		{"CloudTrail, EventBridge", `{"detail":{"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}}`, "cloudtrail"},
		{"Laurel", `{"SYSCALL":{"syscall":59},"EXECVE":{"ARGV":["nc","-l"]}}`, "audit"},
		{"Auditbeat", `{"event":{"module":"auditd","category":["process"],"type":["start"]},"host":{"os":{"type":"linux"}},"process":{"executable":"/bin/nc","args":["nc","-e"],"title":"nc -e /bin/sh"}}`, "audit linux"},
		{"Sysmon for Linux", `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Linux-Sysmon"}},"EventID":1},"EventData":{"Image":"/bin/nc","CommandLine":"nc -e /bin/sh"}}}`, "linux"},
		{"plain JSON", `{"crumbs":7}`, "plain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten([]byte(c.raw), record.FormatJSON)
			if err != nil {
				t.Fatal(err)
			}
			var hit []string
			for name, r := range rules {
				routed, err := p.Route(r)
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(routed, func(one sigma.Routed) bool {
					return (one.Route == nil || sigma.Evaluate(one.Route, rec)) && sigma.Evaluate(one.Expr, rec)
				}) {
					hit = append(hit, name)
				}
			}
			slices.Sort(hit)
			if got := strings.Join(hit, " "); got != c.want {
				t.Errorf("the rules that fire are %q, want %q", got, c.want)
			}
		})
	}
}
