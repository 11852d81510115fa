package bench

import (
	"fmt"
	"strings"
)

// pair is one field of a Windows event, its value as JSON.
type pair struct{ name, value string }

var (
	escape   = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\n", `\n`, "\t", `\t`)
	unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\r`, "\r", `\n`, "\n", `\t`, "\t")
)

func text(name, value string) pair { return pair{name, `"` + escape.Replace(value) + `"`} }

func number(name string, value int) pair { return pair{name, fmt.Sprint(value)} }

// windows returns one Windows event.
func (g generator) windows(i int) string {
	h, m, s, us := clock(i)
	var fields []pair
	channel, source, id := "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 0
	utc := fmt.Sprintf("2024-05-14 %02d:%02d:%02d.%03d", h, m, s, us/1000)
	switch n := g.IntN(100); {
	case n < 30:
		id, fields = 10, g.processAccess()
	case n < 45:
		id, fields = 7, g.imageLoad()
	case n < 60:
		id, fields = 12+g.IntN(2), g.registry()
	case n < 66:
		id, fields = 1, g.processCreate()
	case n < 70:
		id, fields = 3, g.network()
	case n < 78:
		channel, source, id, fields = "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4103, g.powershell()
	default:
		channel, source = "Security", "Microsoft-Windows-Security-Auditing"
		id, fields = g.security()
	}
	if channel == "Microsoft-Windows-Sysmon/Operational" {
		fields = append([]pair{text("RuleName", "-"), text("UtcTime", utc)}, fields...)
	}
	fields = append(fields, text("Message", message(id, fields)))
	all := append([]pair{
		text("@timestamp", fmt.Sprintf("2024-05-14T%02d:%02d:%02d.%03dZ", h, m, s, us/1000)), number("EventID", id), text("Channel", channel),
		text("SourceName", source), text("Hostname", fmt.Sprintf("WS-%04d.corp.example", g.IntN(500))),
		text("EventTime", fmt.Sprintf("2024-05-14 %02d:%02d:%02d", h, m, s)), text("EventReceivedTime", fmt.Sprintf("2024-05-14 %02d:%02d:%02d", h, m, s)),
		number("RecordNumber", 100_000+i), number("Version", 2), number("Task", id), text("Opcode", "Info"), number("OpcodeValue", 0),
		text("Severity", "INFO"), number("SeverityValue", 2), {"Keywords", "-9223372036854775808"}, text("ProviderGuid", "{"+g.guid()+"}"),
		number("ExecutionProcessID", g.IntN(9000)), number("ThreadID", g.IntN(9000)), text("SourceModuleName", "eventlog"), text("SourceModuleType", "im_msvistalog"),
		text("host", "collector.corp.example"), number("port", 60000+g.IntN(99)), text("@version", "1"), {"tags", `["windows"]`},
	}, fields...)
	var b strings.Builder
	for k, f := range all {
		b.WriteByte("{,"[min(k, 1)])
		b.WriteString(`"` + f.name + `":` + f.value)
	}
	return b.String() + "}"
}

// message is the text that the Event Viewer shows.
func message(id int, fields []pair) string {
	var b strings.Builder
	fmt.Fprintf(&b, "An event of type %d was recorded.\r\n\r\nSubject:\r\n", id)
	for _, f := range fields {
		fmt.Fprintf(&b, "\t%s:\t\t%s\r\n", f.name, unescape.Replace(strings.Trim(f.value, `"`)))
	}
	return b.String() + "\r\nThis event is generated when the operation above is done on the object named in it, by the account named in it."
}

func (g generator) image() string {
	return g.pick(`C:\Windows\System32\`, `C:\Program Files\Common Files\Example Vendor\`, `C:\Users\amina\AppData\Local\Programs\`, `C:\Windows\SysWOW64\WindowsPowerShell\v1.0\`) +
		g.pick("svchost", "lsass", "explorer", "powershell", "rundll32", "msedge", "services", "taskhostw") + ".exe"
}

func (g generator) subject() []pair {
	return []pair{
		text("SubjectUserSid", fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", g.IntN(1<<31), g.IntN(1<<31), g.IntN(1<<31), 1000+g.IntN(900))),
		text("SubjectUserName", g.pick("amina", "youssef", "SYSTEM", "svc-backup", "WS-0042$")), text("SubjectDomainName", g.pick("CORP", "NT AUTHORITY")),
		text("SubjectLogonId", "0x"+g.hex(6)),
	}
}

func (g generator) processAccess() []pair {
	var trace []string
	for range 6 + g.IntN(14) {
		trace = append(trace, `C:\WINDOWS\`+g.pick("SYSTEM32", "System32")+`\`+g.pick("ntdll", "KERNELBASE", "wow64cpu", "combase", "RPCRT4", "user32")+".dll+"+g.hex(5))
	}
	return []pair{
		text("SourceProcessGUID", "{"+g.guid()+"}"), text("SourceProcessId", fmt.Sprint(g.IntN(9000))), text("SourceThreadId", fmt.Sprint(g.IntN(9000))), text("SourceImage", g.image()),
		text("TargetProcessGUID", "{"+g.guid()+"}"), text("TargetProcessId", fmt.Sprint(g.IntN(9000))), text("TargetImage", g.image()), text("GrantedAccess", "0x"+g.hex(4)),
		text("CallTrace", strings.Join(trace, "|")), text("SourceUser", `NT AUTHORITY\SYSTEM`), text("TargetUser", `CORP\amina`),
	}
}

func (g generator) file() []pair {
	return []pair{
		text("FileVersion", fmt.Sprintf("10.0.19041.%d (WinBuild.160101.0800)", g.IntN(4000))), text("Description", "Host process of an example service"),
		text("Product", "Example® Operating System"), text("Company", "Example Corporation"), text("OriginalFileName", "EXAMPLE.DLL"),
		text("Hashes", strings.ToUpper("SHA1="+g.hex(40)+",MD5="+g.hex(32)+",SHA256="+g.hex(64)+",IMPHASH="+g.hex(32))),
	}
}

func (g generator) imageLoad() []pair {
	return append([]pair{
		text("ProcessGuid", "{"+g.guid()+"}"), text("ProcessId", fmt.Sprint(g.IntN(9000))), text("Image", g.image()), text("ImageLoaded", `C:\Windows\System32\`+g.hex(6)+".dll"),
		text("Signed", "true"), text("Signature", "Example Corporation"), text("SignatureStatus", "Valid"), text("User", `CORP\amina`),
	}, g.file()...)
}

func (g generator) registry() []pair {
	return []pair{
		text("EventTypeOrignal", g.pick("SetValue", "CreateKey", "DeleteValue")), text("ProcessGuid", "{"+g.guid()+"}"), text("ProcessId", fmt.Sprint(g.IntN(9000))), text("Image", g.image()),
		text("TargetObject", `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\`+g.pick("Explorer", "Run", "Uninstall", "Component Based Servicing")+`\{`+g.guid()+`}\Value`),
		text("Details", "DWORD (0x000000"+g.hex(2)+")"), text("User", `NT AUTHORITY\SYSTEM`),
	}
}

func (g generator) processCreate() []pair {
	image := g.image()
	return append([]pair{
		text("ProcessGuid", "{"+g.guid()+"}"), text("ProcessId", fmt.Sprint(g.IntN(9000))), text("Image", image),
		text("CommandLine", `"`+image+`" -NoProfile -File "C:\Users\amina\Documents\`+g.hex(8)+`.ps1" -Mode Daily`), text("CurrentDirectory", `C:\Users\amina\`), text("User", `CORP\amina`),
		text("LogonGuid", "{"+g.guid()+"}"), text("LogonId", "0x"+g.hex(6)), text("TerminalSessionId", "1"), text("IntegrityLevel", g.pick("Medium", "High", "System")),
		text("ParentProcessGuid", "{"+g.guid()+"}"), text("ParentProcessId", fmt.Sprint(g.IntN(9000))), text("ParentImage", g.image()), text("ParentCommandLine", g.image()+" -k netsvcs -p -s Schedule"),
	}, g.file()...)
}

func (g generator) network() []pair {
	return []pair{
		text("ProcessGuid", "{"+g.guid()+"}"), text("ProcessId", fmt.Sprint(g.IntN(9000))), text("Image", g.image()), text("User", `CORP\amina`), text("Protocol", "tcp"), text("Initiated", "true"),
		text("SourceIsIpv6", "false"), text("SourceIp", g.inside()), text("SourceHostname", "-"), text("SourcePort", fmt.Sprint(g.IntN(65536))), text("SourcePortName", "-"),
		text("DestinationIsIpv6", "false"), text("DestinationIp", g.outside()), text("DestinationHostname", g.domain()), text("DestinationPort", "443"), text("DestinationPortName", "https"),
	}
}

func (g generator) powershell() []pair {
	var payload strings.Builder
	for range 8 + g.IntN(20) {
		fmt.Fprintf(&payload, "CommandInvocation(%s): \"%s\"\r\nParameterBinding(%s): name=\"Path\"; value=\"C:\\Users\\amina\\%s\"\r\n", "Get-Item", "Get-Item", "Get-Item", g.hex(8))
	}
	return []pair{
		text("ContextInfo", "        Severity = Informational\r\n        Host Name = ConsoleHost\r\n        Host Version = 5.1.19041.1\r\n        Host ID = "+g.guid()+"\r\n        Host Application = C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe\r\n        Engine Version = 5.1.19041.1\r\n        Runspace ID = "+g.guid()+"\r\n        Pipeline ID = 7\r\n        Command Name = Get-Item\r\n        User = CORP\\amina\r\n"),
		text("Payload", payload.String()), text("UserID", "S-1-5-18"), text("AccountName", "amina"), text("Domain", "CORP"), text("AccountType", "User"),
	}
}

func (g generator) security() (id int, fields []pair) {
	switch g.IntN(4) {
	case 0:
		return 5156, []pair{
			text("ProcessId", fmt.Sprint(g.IntN(9000))), text("Application", `\device\harddiskvolume2\windows\system32\svchost.exe`), text("Direction", "%%14593"), text("SourceAddress", g.inside()),
			text("SourcePort", fmt.Sprint(g.IntN(65536))), text("DestAddress", g.outside()), text("DestPort", "443"), text("Protocol", "6"), text("FilterRTID", fmt.Sprint(g.IntN(99999))),
			text("LayerName", "%%14611"), text("LayerRTID", "48"), text("RemoteUserID", "S-1-0-0"), text("RemoteMachineID", "S-1-0-0"),
		}
	case 1:
		return 4688, append(g.subject(), text("NewProcessId", "0x"+g.hex(4)), text("NewProcessName", g.image()), text("TokenElevationType", "%%1936"), text("ProcessId", "0x"+g.hex(3)),
			text("CommandLine", g.image()+` /c "dir C:\Users\amina > C:\Temp\`+g.hex(6)+`.txt"`), text("TargetUserSid", "S-1-0-0"), text("TargetUserName", "-"), text("TargetDomainName", "-"),
			text("TargetLogonId", "0x0"), text("ParentProcessName", g.image()), text("MandatoryLabel", "S-1-16-12288"))
	case 2:
		return 4624, append(g.subject(), text("TargetUserSid", "S-1-5-18"), text("TargetUserName", "SYSTEM"), text("TargetDomainName", "NT AUTHORITY"), text("TargetLogonId", "0x3e7"),
			text("LogonType", fmt.Sprint(2+g.IntN(9))), text("LogonProcessName", "Advapi  "), text("AuthenticationPackageName", "Negotiate"), text("WorkstationName", "-"),
			text("LogonGuid", "{"+g.guid()+"}"), text("KeyLength", "0"), text("ProcessName", g.image()), text("IpAddress", g.inside()), text("IpPort", fmt.Sprint(g.IntN(65536))))
	}
	return 4663, append(g.subject(), text("ObjectServer", "Security"), text("ObjectType", "File"), text("ObjectName", `C:\Users\amina\Documents\`+g.hex(10)+`.docx`),
		text("HandleId", "0x"+g.hex(3)), text("AccessList", "%%4416\r\n\t\t\t\t"), text("AccessMask", "0x1"), text("ProcessId", "0x"+g.hex(4)), text("ProcessName", g.image()), text("ResourceAttributes", "S:AI"))
}
