package schemas

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// report collects what the rules for core types find. Its methods take the value as it was decoded,
// without defaults: an empty optional value passes everywhere, because the server would have filled
// it in before it looked.
type report struct {
	errs field.ErrorList
}

func (r *report) add(errs field.ErrorList) { r.errs = append(r.errs, errs...) }

// invalid reports one error per message, so that the checks of apimachinery, which return messages,
// need no condition around them.
func (r *report) invalid(p *field.Path, value any, messages ...string) {
	for _, message := range messages {
		r.errs = append(r.errs, field.Invalid(p, value, message))
	}
}

func (r *report) required(p *field.Path, detail string) {
	r.errs = append(r.errs, field.Required(p, detail))
}

func (r *report) forbidden(p *field.Path, detail string) {
	r.errs = append(r.errs, field.Forbidden(p, detail))
}

// oneOf closes the gap that decoding leaves: to the Go types, an enumeration is any string.
func (r *report) oneOf(p *field.Path, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		r.errs = append(r.errs, field.NotSupported(p, value, allowed))
	}
}

func (r *report) protocol(p *field.Path, value corev1.Protocol) corev1.Protocol {
	r.oneOf(p, string(value), "SCTP", "TCP", "UDP")
	if value == "" {
		return corev1.ProtocolTCP
	}
	return value
}

func (r *report) atLeast(p *field.Path, least int32, value *int32) {
	if value != nil && *value < least {
		r.errs = append(r.errs, field.Invalid(p, *value, fmt.Sprintf("must be at least %d", least)))
	}
}

// countOrPercent refuses "0" and "1" as text, which is an easy slip: a number in quotes is neither.
func (r *report) countOrPercent(p *field.Path, value *intstr.IntOrString, capped bool) {
	switch {
	case value == nil:
	case value.Type == intstr.Int:
		r.atLeast(p, 0, &value.IntVal)
	default:
		messages := utilvalidation.IsValidPercent(value.StrVal)
		r.invalid(p, value.StrVal, messages...)
		if share, err := intstr.GetScaledValueFromIntOrPercent(value, 100, false); err == nil && capped && share > 100 {
			r.invalid(p, value.StrVal, "must not be greater than 100%")
		}
	}
}

func isZero(value *intstr.IntOrString) bool {
	if value == nil {
		return false // the default is not 0
	}
	count, err := intstr.GetScaledValueFromIntOrPercent(value, 100, true)
	return err == nil && count == 0
}

func (r *report) portNumberOrName(p *field.Path, value intstr.IntOrString) {
	if value.Type == intstr.Int {
		r.invalid(p, value.IntVal, utilvalidation.IsValidPortNum(int(value.IntVal))...)
		return
	}
	r.invalid(p, value.StrVal, utilvalidation.IsValidPortName(value.StrVal)...)
}

func (r *report) labels(p *field.Path, set map[string]string) {
	r.add(metav1validation.ValidateLabels(set, p))
}

func (r *report) selector(p *field.Path, selector *metav1.LabelSelector) {
	r.add(metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, p))
}

// reference checks the name of another object. Servers let some of these through; a name that no
// object can have is refused here in every place. Whether the object exists is not for here to
// know.
func (r *report) reference(p *field.Path, name string) {
	if name == "" {
		r.required(p, "")
		return
	}
	r.invalid(p, name, utilvalidation.IsDNS1123Subdomain(name)...)
}

// unique remembers what a list already contains.
type unique map[string]bool

func (r *report) once(seen *unique, p *field.Path, key string, shown any) {
	if (*seen)[key] {
		r.errs = append(r.errs, field.Duplicate(p, shown))
	}
	if *seen == nil {
		*seen = unique{}
	}
	(*seen)[key] = true
}

// countSet counts the pointers of a struct that are set. The API writes "exactly one of" as a
// struct of pointers, and new alternatives appear with every release.
func countSet(union any) int {
	value, set := reflect.ValueOf(union).Elem(), 0
	for i := range value.NumField() {
		if f := value.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			set++
		}
	}
	return set
}

func labelSet(set map[string]string) labels.Labels { return labels.Set(set) }
