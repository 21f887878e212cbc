package plugin

// Text is a string, by its number. 0 is the empty string, which for a label means "not set". Texts
// of one input are equal exactly when their strings are, so that joining on a label never compares
// strings. Texts of different inputs may not be compared.
type Text uint32

// own marks a text of the measures, whose final number depends on the input's dictionary.
const own Text = 1 << 31

// dictionary holds strings back to back: string i is bytes[ends[i-1]:ends[i]].
type dictionary struct {
	bytes []byte
	ends  []uint32
}

func (d *dictionary) get(index Text) string {
	if int(index) >= len(d.ends) {
		return ""
	}
	start := uint32(0)
	if index > 0 {
		start = d.ends[index-1]
	}
	end := d.ends[index]
	if start > end || int(end) > len(d.bytes) {
		return ""
	}
	return string(d.bytes[start:end])
}

// find is one scan: plugins look few strings up.
func (d *dictionary) find(text string) (Text, bool) {
	start := uint32(0)
	for i, end := range d.ends {
		if int(end)-int(start) == len(text) && string(d.bytes[start:end]) == text {
			return Text(i), true
		}
		start = end
	}
	return 0, false
}

// interner builds a dictionary, each string once.
type interner struct {
	dictionary
	known map[string]Text
}

func (i *interner) intern(text string) Text {
	if found, ok := i.known[text]; ok {
		return found
	}
	if i.known == nil {
		i.known = make(map[string]Text)
	}
	number := Text(len(i.ends))
	i.bytes = append(i.bytes, text...)
	i.ends = append(i.ends, uint32(len(i.bytes)))
	i.known[text] = number
	return number
}
