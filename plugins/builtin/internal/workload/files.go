package workload

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// fileSet collects the files of one container that go into one object.
type fileSet struct {
	data  kube.Labels
	items []kube.KeyToPath
	// modes says that some file has a mode of its own, so that every key must be listed.
	modes bool
}

// files turns a container's files into a ConfigMap for text and a Secret for binary content and
// text that carries a password, and mounts each file. Files with a reference to a secret resource
// belong to another step.
func (b *Builder) files(c *container, out *kube.Container) {
	var text, binary fileSet
	textName, binaryName := b.subject.Name+"-"+c.name+"-files", b.subject.Name+"-"+c.name+"-files-bin"
	paths := kube.Labels{}
	for i := range c.Files {
		path, f := c.Files[i].Key, &c.Files[i].Value
		field := c.field + ".files." + path
		key := fileKey(path)
		if other := paths.Get(key); other != nil {
			b.resp.Error(field, "the file and "+*other+" both become the key "+key+"; rename one of them")
			continue
		}
		paths.Set(key, path)
		b.warnMode(field, f)
		volume := filesVolume(c.name, "")
		switch {
		case f.BinaryContent != "":
			volume = filesVolume(c.name, binarySuffix)
			binary.add(key, f.BinaryContent, f)
		case f.Source != "":
			b.existingFile(c, field, path, f, out)
			continue
		default:
			content, sensitive := f.Content, false
			if !f.NoExpand {
				if b.refersToSecret(content, syntax(f)) {
					continue
				}
				content, sensitive = b.render(field, content, syntax(f))
			}
			if sensitive {
				b.warnPlainPassword(field)
				volume = filesVolume(c.name, binarySuffix)
				binary.add(key, ascii.Base64(content), f)
			} else {
				text.add(key, content, f)
			}
		}
		out.VolumeMounts = append(out.VolumeMounts, kube.VolumeMount{
			Name: volume, MountPath: path, SubPath: key, ReadOnly: true,
		})
	}
	b.configs.enter(hashedFiles, c, text.data)
	b.configs.enter(hashedSecretFiles, c, binary.data)
	if len(text.data) > 0 {
		b.configs.files = append(b.configs.files, kube.ConfigMap{
			Object: kube.NewObject("v1", "ConfigMap", b.meta(textName)), Data: text.data,
		})
		b.AddVolume(c.field+".files", kube.Volume{
			Name:      filesVolume(c.name, ""),
			ConfigMap: &kube.ConfigMapVolume{Name: textName, Items: text.listed()},
		})
	}
	if len(binary.data) > 0 {
		b.configs.secretFiles = append(b.configs.secretFiles, kube.Secret{
			Object: kube.NewObject("v1", "Secret", b.meta(binaryName)), Data: binary.data,
		})
		b.AddVolume(c.field+".files", kube.Volume{
			Name:   filesVolume(c.name, binarySuffix),
			Secret: &kube.SecretVolume{SecretName: binaryName, Items: binary.listed()},
		})
	}
}

// warnMode warns about a mode without a bit that the kubelet adds: it lets the group of the pod's
// volumes read all files.
func (b *Builder) warnMode(field string, f *lattice.File) {
	const groupReads = 0o040
	// Validated before: three or four octal digits, or nothing.
	mode, ok := ascii.ParseInt(f.Mode, 8)
	if f.Mode == "" || !ok || mode&groupReads != 0 {
		return
	}
	b.resp.Warn(field+".mode", "the file gets the mode 0"+strconv.FormatInt(mode|groupReads, 8)+", because the group of the pod's volumes, "+
		"which lets containers read it, always may; a program that refuses this needs a copy of its own")
}

// binarySuffix ends the names of what holds binary content.
const binarySuffix = "-bin"

// filesVolume names the volume of a container's files. A container whose own name ends like the
// volume of another's binary content gets a hash.
func filesVolume(container, suffix string) string {
	name := container + suffix
	return naming.Label("files-", name, name, suffix != "" || !strings.HasSuffix(container, binarySuffix))
}

// maxDataKey is the longest key of a ConfigMap or Secret.
const maxDataKey = 253

// fileKey returns the key of a file in its ConfigMap or Secret: its path with hyphens for slashes.
// A path that holds what keys cannot have gets a hash; the file keeps its own name, because it is
// mounted by its path.
func fileKey(path string) string {
	key := ascii.Swap(strings.TrimPrefix(path, "/"), '/', '-')
	b := []byte(key)
	for i, c := range b {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			b[i] = '_'
		}
	}
	// A key may not be . nor begin with .. (kubernetes/apimachinery, validation.IsConfigMapKey).
	if string(b) == key && len(key) <= maxDataKey && key != "." && !strings.HasPrefix(key, "..") {
		return key
	}
	return "file-" + naming.Hash(path) + "-" + ascii.Trim(string(b[max(0, len(b)-64):]), '.')
}

func syntax(f *lattice.File) template.Syntax { return template.Syntax(f.ReverseExpand) }

func (s *fileSet) add(key, content string, f *lattice.File) {
	s.data.Set(key, content)
	s.list(key, f)
}

func (s *fileSet) list(key string, f *lattice.File) {
	item := kube.KeyToPath{Key: key, Path: key}
	if f.Mode != "" {
		// Validated before: three or four octal digits.
		mode, _ := ascii.ParseInt(f.Mode, 8)
		item.Mode = &mode
		s.modes = true
	}
	s.items = append(s.items, item)
}

func (s *fileSet) listed() []kube.KeyToPath {
	if !s.modes {
		return nil
	}
	return s.items
}
