package bench

import "fmt"

// eve returns one EVE record.
func (g generator) eve(i int) string {
	h, m, s, us := clock(i)
	stamp := fmt.Sprintf("2024-05-14T%02d:%02d:%02d.%06d+0000", h, m, s, us)
	kind := g.pick("flow", "flow", "flow", "flow", "flow", "flow", "dns", "dns", "dns", "dns", "tls", "tls", "http", "http", "fileinfo", "alert")
	src, dst := g.inside(), g.outside()
	srcPort, dstPort := 1024+g.IntN(64000), map[string]int{"dns": 53, "tls": 443, "http": 80, "fileinfo": 80, "alert": 80, "flow": 443}[kind]
	proto := "TCP"
	if kind == "dns" {
		proto = "UDP"
	}
	head := fmt.Sprintf(`{"timestamp":"%s","flow_id":%d,"in_iface":"ens%df0","event_type":"%s","vlan":[%d],"src_ip":"%s","src_port":%d,"dest_ip":"%s","dest_port":%d,"proto":"%s","pkt_src":"wire/pcap","community_id":"1:%s=","metadata":{"flowbits":["http.client","net.%s"]},`,
		stamp, g.Int64N(1<<52), 1+g.IntN(2), kind, 100+g.IntN(20), src, srcPort, dst, dstPort, proto, g.hex(27), g.pick("lan", "dmz"))
	flow := fmt.Sprintf(`"flow":{"pkts_toserver":%d,"pkts_toclient":%d,"bytes_toserver":%d,"bytes_toclient":%d,"start":"%s"`,
		1+g.IntN(900), 1+g.IntN(900), 60+g.IntN(90000), 60+g.IntN(900000), stamp)
	http := g.http()
	switch kind {
	case "flow":
		flags := g.pick("1b", "1f", "1a", "12")
		return head + fmt.Sprintf(`"app_proto":"%s",%s,"end":"%s","age":%d,"state":"%s","reason":"%s","alerted":%t,"tx_cnt":%d},"tcp":{"tcp_flags":"%s","tcp_flags_ts":"%s","tcp_flags_tc":"%s","syn":true,"fin":%t,"rst":false,"psh":true,"ack":true,"state":"%s","ts_max_regions":1,"tc_max_regions":%d},"host":"sensor-%02d"}`,
			g.pick("tls", "http", "failed", "smb", "ssh"), flow, stamp, g.IntN(600), g.pick("closed", "established", "new"), g.pick("timeout", "shutdown", "forced"),
			g.IntN(20) == 0, g.IntN(9), flags, flags, flags, g.IntN(2) == 0, g.pick("closed", "established", "fin_wait2"), 1+g.IntN(3), g.IntN(8))
	case "dns":
		name := g.domain()
		answer := func() string {
			return fmt.Sprintf(`{"rrname":"%s","rrtype":"A","ttl":%d,"rdata":"%s"}`, name, g.IntN(3600), g.outside())
		}
		one, two := g.outside(), g.outside()
		return head + fmt.Sprintf(`"dns":{"version":2,"type":"answer","id":%d,"flags":"8180","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"%s","rrtype":"A","rcode":"NOERROR","answers":[%s,%s],"grouped":{"A":["%s","%s"]}},%s},"host":"sensor-%02d"}`,
			g.IntN(65536), name, answer(), answer(), one, two, flow, g.IntN(8))
	case "tls":
		name := g.domain()
		return head + fmt.Sprintf(`"tls":{"subject":"CN=%s","issuerdn":"C=US, O=Example Trust Services, CN=Example CA R%d","serial":"%s","fingerprint":"%s","sni":"%s","version":"TLS 1.%d","notbefore":"2024-03-01T00:00:00","notafter":"2024-08-01T23:59:59","ja3":{"hash":"%s","string":"771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,0-23-65281-10-11-35-16-5-13-18-51-45-43-27-21,29-23-24,0"},"ja3s":{"hash":"%s","string":"771,49199,65281-0-11-35-16-23"},"ja4":"t13d1516h2_%s_%s"},%s},"host":"sensor-%02d"}`,
			name, g.IntN(9), g.fingerprint(16), g.fingerprint(20), name, 2+g.IntN(2), g.hex(32), g.hex(32), g.hex(12), g.hex(12), flow, g.IntN(8))
	case "http":
		return head + fmt.Sprintf(`"tx_id":%d,"http":{%s},%s},"host":"sensor-%02d"}`, g.IntN(4), http, flow, g.IntN(8))
	case "fileinfo":
		return head + fmt.Sprintf(`"http":{%s},"app_proto":"http","fileinfo":{"filename":"/files/%s.%s","magic":"PE32+ executable (DLL) (GUI) x86-64, for MS Windows","gaps":false,"state":"CLOSED","md5":"%s","sha1":"%s","sha256":"%s","stored":false,"size":%d,"tx_id":0},"host":"sensor-%02d"}`,
			http, g.hex(6), g.pick("exe", "dll", "js", "pdf"), g.hex(32), g.hex(40), g.hex(64), g.IntN(1<<22), g.IntN(8))
	}
	return head + fmt.Sprintf(`"tx_id":0,"alert":{"action":"allowed","gid":1,"signature_id":%d,"rev":%d,"signature":"%s","category":"%s","severity":%d,"metadata":{"affected_product":["Windows_XP_Vista_7_8_10_Server_32_64_Bit"],"created_at":["2019_04_02"],"signature_severity":["%s"]}},"http":{%s},"app_proto":"http","direction":"to_server",%s,"src_ip":"%s","dest_ip":"%s","src_port":%d,"dest_port":80},"payload_printable":"GET \/%s HTTP\/1.1\r\nHost: %s\r\nUser-Agent: curl\/8.5\r\nAccept: *\/*\r\n\r\n","stream":1,"host":"sensor-%02d"}`,
		2_000_000+g.IntN(50_000), 1+g.IntN(9), g.pick("MALWARE Possible loader check-in", "POLICY PE EXE or DLL download over HTTP", "INFO Suspicious user agent seen outbound"),
		g.pick("A Network Trojan was detected", "Potentially Bad Traffic", "Misc activity"), 1+g.IntN(3), g.pick("Major", "Minor", "Informational"), http, flow, src, dst, srcPort,
		g.hex(12), g.domain(), g.IntN(8))
}

// http returns the inside of an http object.
func (g generator) http() string {
	return fmt.Sprintf(`"hostname":"%s","url":"/%s/%s?id=%d&session=%s","http_user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36","http_content_type":"%s","http_method":"%s","protocol":"HTTP/1.1","status":%d,"length":%d`,
		g.domain(), g.pick("assets", "api/v2", "download", "images"), g.hex(8), g.IntN(100000), g.hex(16), 90+g.IntN(40),
		g.pick("text/html", "application/json", "image/png", "application/octet-stream"), g.pick("GET", "GET", "GET", "POST"), []int{200, 200, 200, 304, 404, 302}[g.IntN(6)], g.IntN(200000))
}

// fingerprint returns n octets, joined by colons.
func (g generator) fingerprint(n int) string {
	s := g.hex(2)
	for range n - 1 {
		s += ":" + g.hex(2)
	}
	return s
}
