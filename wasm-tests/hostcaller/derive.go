// Package hostcaller is a plugin that makes the host calls in its settings and emits what the host
// answered, so that tests see every kind of call from a plugin that the Go toolchain built.
package hostcaller

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Plugin returns the plugin on top of a host.
func Plugin(h hostcall.Host) *sdk.Plugin {
	return &sdk.Plugin{Derive: func(req *sdk.Request, resp *sdk.Response) error { return derive(h, req, resp) }}
}

func derive(h hostcall.Host, req *sdk.Request, resp *sdk.Response) error {
	metadata := sdk.Value(req.Resource).Get("metadata")
	c := &kube.ConfigMap{Object: kube.NewObject("v1", "ConfigMap", kube.ObjectMeta{
		Name: metadata.Get("name").String() + "-" + req.Step, Namespace: metadata.Get("namespace").String(),
	})}
	n := 0
	for call := range req.Setting("calls").Items() {
		for range max(call.Get("times").Int(), 1) {
			c.Data.Set(strings.Repeat("0", max(0, 3-len(strconv.Itoa(n))))+strconv.Itoa(n), perform(h, call))
			n++
		}
	}
	resp.Emit(c)
	if ask := req.Setting("ask").String(); ask != "" {
		resp.RequireNamed("peer", "lattice.dev/v1alpha1", "LatticeService", "", ask)
	}
	if req.Setting("fail").Bool() {
		resp.Error("", "the settings want it so")
	}
	return nil
}

// perform makes one call and returns its answer as text.
func perform(h hostcall.Host, call sdk.Value) string {
	key := call.Get("key").String()
	switch call.Get("op").String() {
	case "get":
		value, found, err := h.Get(key)
		if err == nil && !found {
			return "nothing"
		}
		return said(jsonText(value), err)
	case "set":
		return said("done", h.Set(key, call.Get("value")))
	case "large":
		return said("done", h.Set(key, cbor.AppendString(nil, strings.Repeat("x", int(call.Get("size").Int())))))
	case "count":
		return count(h, key)
	case "delete":
		return said("done", h.Delete(key))
	case "list":
		keys, err := h.List(key)
		return said(strings.Join(keys, " "), err)
	case "http":
		return fetch(h, call.Get("url").String())
	case "read":
		return read(h, call)
	}
	return "unknown"
}

// count adds one to a number in the store.
func count(h hostcall.Host, key string) string {
	value, _, err := h.Get(key)
	if err != nil {
		return said("", err)
	}
	next := value.Int() + 1
	return said(strconv.FormatInt(next, 10), h.Set(key, cbor.AppendInt(nil, next)))
}

func fetch(h hostcall.Host, url string) string {
	page, err := h.HTTPGet(&abi.HTTPGetRequest{URL: url})
	if err != nil {
		return said("", err)
	}
	return strconv.FormatInt(page.Status, 10) + " " + page.Text
}

func read(h hostcall.Host, call sdk.Value) string {
	found, err := h.Resources(&abi.ResourcesReadRequest{
		APIVersion: call.Get("apiVersion").String(), Kind: call.Get("kind").String(),
		Namespace: call.Get("namespace").String(), MatchName: call.Get("name").String(),
	})
	var names []string
	for _, raw := range found {
		metadata := sdk.Value(raw).Get("metadata")
		names = append(names, metadata.Get("namespace").String()+"/"+metadata.Get("name").String())
	}
	return said(strings.Join(names, " "), err)
}

func jsonText(v sdk.Value) string {
	text, err := cbor.ToJSON(nil, v)
	return said(string(text), err)
}

func said(text string, err error) string {
	if err != nil {
		return err.Error()
	}
	return text
}
