package kube

// VMServiceScrape is operator.victoriametrics.com/v1beta1 VMServiceScrape.
type VMServiceScrape struct {
	Object
	Spec VMServiceScrapeSpec `json:"spec"`
}

// VMServiceScrapeSpec is the spec of a [VMServiceScrape].
type VMServiceScrapeSpec struct {
	Endpoints []ScrapeEndpoint `json:"endpoints"`
	Selector  LabelSelector    `json:"selector"`
}

// ScrapeEndpoint is a port of the selected Services that is read.
type ScrapeEndpoint struct {
	// Port is the name of a Service's port.
	Port string `json:"port"`
	Path string `json:"path,omitempty"`
	// Interval is a duration of Prometheus, such as 30s.
	Interval string `json:"interval,omitempty"`
}
