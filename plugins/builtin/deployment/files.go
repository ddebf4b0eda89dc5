package deployment

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/template"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// fileSet collects the files of one container that go into one object.
type fileSet struct {
	data kube.Labels
	// text holds what a Secret encodes itself.
	text  kube.Labels
	items []kube.KeyToPath
	// modes says that some file has a mode of its own, so that every key must be listed.
	modes bool
}

// files turns a container's files into a ConfigMap for text and a Secret for binary content and text that carries a
// password, and mounts each file.
// Files with a reference to a secret resource belong to another step.
func (d *derivation) files(c *container, out *kube.Container) {
	var text, binary fileSet
	textName, binaryName := d.name+"-"+c.name+"-files", d.name+"-"+c.name+"-files-bin"
	paths := kube.Labels{}
	for i := range c.Files {
		path, f := c.Files[i].Key, &c.Files[i].Value
		field := c.field + ".files." + path
		key := ascii.Swap(strings.TrimPrefix(path, "/"), '/', '-')
		if other := paths.Get(key); other != nil {
			d.resp.Error(field, "the file and "+*other+" both become the key "+key+"; rename one of them")
			continue
		}
		paths.Set(key, path)
		volume := "files-" + c.name
		switch {
		case f.BinaryContent != "":
			volume += "-bin"
			binary.add(key, f.BinaryContent, f)
		case f.Source != "":
			d.resp.Error(field+".source", "files from a source are not covered by this plugin; write the text into content")
			continue
		default:
			content, sensitive := f.Content, false
			if !f.NoExpand {
				if d.refersToSecret(content, syntax(f)) {
					continue
				}
				content, sensitive = d.render(field, content, syntax(f))
			}
			if sensitive {
				d.warnPlainPassword(field)
				volume += "-bin"
				binary.addText(key, content, f)
			} else {
				text.add(key, content, f)
			}
		}
		out.VolumeMounts = append(out.VolumeMounts, kube.VolumeMount{
			Name: volumeName(volume), MountPath: path, SubPath: key, ReadOnly: true,
		})
	}
	if len(text.data) > 0 {
		d.configs.files = append(d.configs.files, kube.ConfigMap{
			Object: kube.NewObject("v1", "ConfigMap", d.meta(textName)), Data: text.data,
		})
		d.addVolume(c.field+".files", kube.Volume{
			Name:      volumeName("files-" + c.name),
			ConfigMap: &kube.ConfigMapVolume{Name: textName, Items: text.listed()},
		})
	}
	if len(binary.data)+len(binary.text) > 0 {
		d.configs.secretFiles = append(d.configs.secretFiles, kube.Secret{
			Object: kube.NewObject("v1", "Secret", d.meta(binaryName)), Data: binary.data, StringData: binary.text,
		})
		d.addVolume(c.field+".files", kube.Volume{
			Name:   volumeName("files-" + c.name + "-bin"),
			Secret: &kube.SecretVolume{SecretName: binaryName, Items: binary.listed()},
		})
	}
}

func syntax(f *lattice.File) template.Syntax { return template.Syntax(f.ReverseExpand) }

func (s *fileSet) add(key, content string, f *lattice.File) {
	s.data.Set(key, content)
	s.list(key, f)
}

func (s *fileSet) addText(key, content string, f *lattice.File) {
	s.text.Set(key, content)
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
