/*
 * pickle_allow.c - what a pickle may import and still be told as data.
 *
 * A list of what is known to be harmless, whole names only; everything else is
 * not known to be safe (security.md H67: lists of what is bad were bypassed a
 * dozen times).  Each of them, called with any arguments that are made of the
 * others, builds a value and does nothing else.  Not here for that reason:
 * torch.storage._load_from_bytes, which unpickles its argument, and all of
 * numpy: an array of objects takes the bytes it is given for pointers
 * (ndarray(1, dtype('O'), b'...'), or a dtype whose state says that it has no
 * objects).  torch.load(weights_only=True) takes none of it either.
 *
 * Sources: torch/_weights_only_unpickler.py and torch/storage.py (2.9),
 * torch/jit/_pickle.py.
 */
#include "format/pickle.h"

#include <string.h>

#include "base/mem.h"

struct module {
	const char *name;
	const char *names; /* each with a space behind it */
};

#define BUILTINS                                                               \
	"bool bytearray bytes complex dict float frozenset int list object "   \
	"set slice str tuple "
#define STORAGES                                                               \
	"BFloat16Storage BoolStorage ByteStorage CharStorage "                 \
	"ComplexDoubleStorage ComplexFloatStorage DoubleStorage "              \
	"FloatStorage HalfStorage IntStorage LongStorage ShortStorage "
#define TENSORS                                                                \
	"BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor "        \
	"FloatTensor HalfTensor IntTensor LongTensor ShortTensor "

static const struct module modules[] = {
	{ "builtins", BUILTINS "range " },
	/* Python 2's name of it, which Python 3 translates. */
	{ "__builtin__", BUILTINS "long unicode xrange " },
	{ "_codecs", "encode " },
	{ "collections", "Counter OrderedDict defaultdict deque " },
	{ "copyreg", "_reconstructor " },
	{ "copy_reg", "_reconstructor " },
	{ "torch", STORAGES TENSORS
	  "QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage "
	  "QUInt8Storage Size Tensor device "
	  "bfloat16 bool complex128 complex32 complex64 float16 float32 "
	  "float4_e2m1fn_x2 float64 float8_e4m3fn float8_e4m3fnuz "
	  "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu "
	  "int1 int2 int3 int4 int5 int6 int7 int8 int16 int32 int64 "
	  "uint1 uint2 uint3 uint4 uint5 uint6 uint7 uint8 uint16 uint32 "
	  "uint64 qint32 qint8 quint2x4 quint4x2 quint8 "
	  "per_channel_affine per_channel_affine_float_qparams "
	  "per_channel_symmetric per_tensor_affine per_tensor_symmetric " },
	{ "torch.cuda", STORAGES TENSORS },
	{ "torch.storage", "TypedStorage UntypedStorage " },
	{ "torch.nn.parameter", "Parameter " },
	{ "torch.serialization", "_get_layout " },
	{ "torch._tensor", "_rebuild_from_type_v2 " },
	{ "torch._utils",
	  "_rebuild_device_tensor_from_cpu_tensor "
	  "_rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage "
	  "_rebuild_parameter _rebuild_parameter_with_state "
	  "_rebuild_qtensor _rebuild_sparse_tensor _rebuild_tensor "
	  "_rebuild_tensor_v2 _rebuild_tensor_v3 "
	  "_rebuild_wrapper_subclass " },
	{ "torch.jit._pickle",
	  "build_boollist build_doublelist build_intlist "
	  "build_tensor_from_id build_tensorlist restore_type_tag " },
};

static bool has_name(const char *names, const char *name, size_t n)
{
	const char *p = names;

	while (*p) {
		size_t len = strcspn(p, " ");

		if (len == n && memcmp(p, name, n) == 0)
			return true;
		p += len + 1;
	}
	return false;
}

bool mr_pickle_is_allowed(const char *text, size_t n)
{
	const char *space = memchr(text, ' ', n);
	size_t i;
	size_t len;

	if (!space)
		return false;
	len = (size_t)(space - text);
	for (i = 0; i < MR_COUNT(modules); i++)
		if (strlen(modules[i].name) == len &&
		    memcmp(modules[i].name, text, len) == 0)
			return has_name(modules[i].names, space + 1,
					n - len - 1);
	return false;
}
