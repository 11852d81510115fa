package bench

// eveRecord is the struct that one would write for EVE: the fields that rules
// and indicators ask for, of the generated and of the recorded mix.
type eveRecord struct {
	Timestamp   string `json:"timestamp"`
	FlowID      int64  `json:"flow_id"`
	InIface     string `json:"in_iface"`
	EventType   string `json:"event_type"`
	VLAN        []int  `json:"vlan"`
	SrcIP       string `json:"src_ip"`
	SrcPort     int    `json:"src_port"`
	DestIP      string `json:"dest_ip"`
	DestPort    int    `json:"dest_port"`
	Proto       string `json:"proto"`
	PktSrc      string `json:"pkt_src"`
	CommunityID string `json:"community_id"`
	AppProto    string `json:"app_proto"`
	Direction   string `json:"direction"`
	Host        string `json:"host"`
	TxID        int    `json:"tx_id"`
	Payload     string `json:"payload_printable"`
	Metadata    struct {
		Flowbits []string `json:"flowbits"`
	} `json:"metadata"`
	Flow struct {
		PktsToServer  int64  `json:"pkts_toserver"`
		PktsToClient  int64  `json:"pkts_toclient"`
		BytesToServer int64  `json:"bytes_toserver"`
		BytesToClient int64  `json:"bytes_toclient"`
		Start         string `json:"start"`
		End           string `json:"end"`
		Age           int    `json:"age"`
		State         string `json:"state"`
		Reason        string `json:"reason"`
		Alerted       bool   `json:"alerted"`
		SrcIP         string `json:"src_ip"`
		DestIP        string `json:"dest_ip"`
		SrcPort       int    `json:"src_port"`
		DestPort      int    `json:"dest_port"`
	} `json:"flow"`
	TCP *struct {
		Flags   string `json:"tcp_flags"`
		FlagsTS string `json:"tcp_flags_ts"`
		FlagsTC string `json:"tcp_flags_tc"`
		SYN     bool   `json:"syn"`
		FIN     bool   `json:"fin"`
		RST     bool   `json:"rst"`
		PSH     bool   `json:"psh"`
		ACK     bool   `json:"ack"`
		State   string `json:"state"`
	} `json:"tcp"`
	DNS *struct {
		Type    string `json:"type"`
		ID      int    `json:"id"`
		Flags   string `json:"flags"`
		QR      bool   `json:"qr"`
		RD      bool   `json:"rd"`
		RA      bool   `json:"ra"`
		RRName  string `json:"rrname"`
		RRType  string `json:"rrtype"`
		RCode   string `json:"rcode"`
		Answers []struct {
			RRName string `json:"rrname"`
			RRType string `json:"rrtype"`
			TTL    int    `json:"ttl"`
			RData  string `json:"rdata"`
		} `json:"answers"`
		Grouped map[string][]string `json:"grouped"`
	} `json:"dns"`
	TLS *struct {
		Subject     string `json:"subject"`
		IssuerDN    string `json:"issuerdn"`
		Serial      string `json:"serial"`
		Fingerprint string `json:"fingerprint"`
		SNI         string `json:"sni"`
		Version     string `json:"version"`
		NotBefore   string `json:"notbefore"`
		NotAfter    string `json:"notafter"`
		JA3         struct {
			Hash   string `json:"hash"`
			String string `json:"string"`
		} `json:"ja3"`
		JA3S struct {
			Hash   string `json:"hash"`
			String string `json:"string"`
		} `json:"ja3s"`
		JA4 string `json:"ja4"`
	} `json:"tls"`
	HTTP *struct {
		Hostname    string `json:"hostname"`
		URL         string `json:"url"`
		UserAgent   string `json:"http_user_agent"`
		ContentType string `json:"http_content_type"`
		Method      string `json:"http_method"`
		Protocol    string `json:"protocol"`
		Status      int    `json:"status"`
		Length      int64  `json:"length"`
	} `json:"http"`
	FileInfo *struct {
		Filename string `json:"filename"`
		Magic    string `json:"magic"`
		State    string `json:"state"`
		MD5      string `json:"md5"`
		SHA1     string `json:"sha1"`
		SHA256   string `json:"sha256"`
		Size     int64  `json:"size"`
	} `json:"fileinfo"`
	Alert *struct {
		Action      string              `json:"action"`
		GID         int                 `json:"gid"`
		SignatureID int                 `json:"signature_id"`
		Rev         int                 `json:"rev"`
		Signature   string              `json:"signature"`
		Category    string              `json:"category"`
		Severity    int                 `json:"severity"`
		Metadata    map[string][]string `json:"metadata"`
	} `json:"alert"`
}

// windowsRecord is the same for Windows events. Writers disagree on whether a
// number is one, so numbers are left as they are written.
type windowsRecord struct {
	Timestamp           string `json:"@timestamp"`
	EventID             int    `json:"EventID"`
	Channel             string
	SourceName          string
	Hostname            string
	EventTime           string
	UtcTime             string
	Message             string
	RuleName            string
	Image               string
	ImageLoaded         string
	OriginalFileName    string
	Description         string
	Product             string
	Company             string
	FileVersion         string
	Hashes              string
	Signed              string
	Signature           string
	SignatureStatus     string
	CommandLine         string
	CurrentDirectory    string
	User                string
	IntegrityLevel      string
	ParentImage         string
	ParentCommandLine   string
	SourceImage         string
	TargetImage         string
	GrantedAccess       string
	CallTrace           string
	SourceUser          string
	TargetUser          string
	TargetObject        string
	Details             string
	TargetFilename      string
	SourceIp            string
	DestinationIp       string
	DestinationHostname string
	Initiated           string
	Protocol            string
	PipeName            string
	QueryName           string
	QueryResults        string
	SubjectUserSid      string
	SubjectUserName     string
	SubjectDomainName   string
	SubjectLogonId      string
	TargetUserSid       string
	TargetUserName      string
	TargetDomainName    string
	TargetLogonId       string
	LogonProcessName    string
	WorkstationName     string
	IpAddress           string
	ProcessName         string
	NewProcessName      string
	ParentProcessName   string
	ObjectServer        string
	ObjectType          string
	ObjectName          string
	AccessList          string
	AccessMask          string
	PrivilegeList       string
	Application         string
	SourceAddress       string
	DestAddress         string
	ContextInfo         string
	Payload             string
	ScriptBlockText     string
	ServiceName         string
	TaskName            string
	ShareName           string
	RelativeTargetName  string
	Provider            string `json:"ProviderGuid"`
}
