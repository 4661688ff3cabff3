/*
 * src/profile/shell/commands.c - the commands of the stand-in, and its
 * messages.
 */
#include "sh.h"
#include "sys.h"

char sh_words[SH_MAX_BYTES];
char sh_taken[SH_MAX_BYTES];
const unsigned long sh_ending = 1UL << (SIG_TERM - 1) | 1UL << (SIG_INT - 1);

size_t sh_length(const char *text)
{
	size_t n = 0;

	while (text[n] != '\0')
		n++;
	return n;
}

bool sh_same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool put(int fd, const char *data, size_t n)
{
	while (n > 0) {
		long rc = sys4(SYS_WRITE, fd, (long)data, (long)n, 0);

		if (rc == -E_INTR)
			continue;
		if (rc <= 0)
			return false;
		data += rc;
		n -= (size_t)rc;
	}
	return true;
}

void sh_say(const char *text)
{
	(void)put(2, text, sh_length(text)); /* there is nobody else to tell */
}

/* What came from the script, so that it cannot drive a terminal. */
static void say_word(const char *word, size_t n)
{
	char shown[SH_MAX_SHOWN];
	size_t i;

	for (i = 0; i < n && i < sizeof(shown); i++) {
		unsigned char c = (unsigned char)word[i];

		shown[i] = c < ' ' || c >= 0x7f ? '?' : word[i];
	}
	sh_say("'");
	(void)put(2, shown, i);
	sh_say(i < n ? "...'" : "'");
}

_Noreturn void sh_leave(int status)
{
	for (;;)
		(void)sys4(SYS_EXIT, status, 0, 0, 0);
}

_Noreturn void sh_refuse(const char *word, size_t n)
{
	sh_say("sh: ");
	say_word(word, n);
	sh_say(" is not known here: this is not a shell, it runs what KServe's "
	       "modelcars need\n");
	sh_leave(SH_STATUS_UNKNOWN);
}

_Noreturn void sh_mistake(const char *what)
{
	sh_say("sh: syntax: ");
	sh_say(what);
	sh_say("\n");
	sh_leave(SH_STATUS_MISTAKE);
}

static const char *error_text(long rc)
{
	static const struct {
		long number;
		const char *text;
	} known[] = {
		{ 1, "Operation not permitted" },
		{ 2, "No such file or directory" },
		{ 13, "Permission denied" },
		{ 17, "File exists" },
		{ 20, "Not a directory" },
		{ 21, "Is a directory" },
		{ 28, "No space left on device" },
		{ 30, "Read-only file system" },
		{ 36, "File name too long" },
		{ 40, "Too many levels of symbolic links" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == -rc)
			return known[i].text;
	return "failed";
}

/* The exit status of a command whose call answered `rc`. */
static int failed(const char *command, const char *path, long rc)
{
	sh_say(command);
	sh_say(": ");
	say_word(path, sh_length(path));
	sh_say(": ");
	sh_say(error_text(rc));
	sh_say("\n");
	return 1;
}

const char *sh_digits(long n, char buf[24])
{
	char *p = buf + 23;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return p;
}

/* -1 when it is none, or too large to mean anything. */
static long number(const char *text)
{
	long n = 0;

	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || n > 100000000)
			return -1;
		n = n * 10 + (*text - '0');
	}
	return n;
}

/* --- commands ------------------------------------------------------------ */

/* Output of a command: to the reader, or to the "$( )" around it. */
static bool out(struct sh *s, const char *data, size_t n)
{
	size_t i;

	if (!s->taking)
		return put(1, data, n);
	if (n > sizeof(sh_taken) - s->taken_used) {
		sh_say("sh: more output than \"$( )\" can hold\n");
		sh_leave(1);
	}
	for (i = 0; i < n; i++)
		sh_taken[s->taken_used++] = data[i];
	return true;
}

void sh_end_if_told(long s)
{
	long time[2] = { s, 0 };
	long rc;

	do {
		rc = sys4(SYS_SIGWAIT, (long)&sh_ending, 0,
			  s < 0 ? 0 : (long)time, SIG_SET_BYTES);
		if (rc > 0)
			sh_leave(128 + (int)rc);
	} while (rc == -E_INTR || (s < 0 && rc == -E_AGAIN));
}

/* Type and permissions, or a negative error number. */
static long mode_of(const char *path, long flags)
{
	union {
		char bytes[STAT_BYTES];
		unsigned int words[STAT_BYTES / sizeof(unsigned int)];
	} st;
	long rc = sys4(SYS_STATAT, AT_HERE, (long)path, (long)st.bytes, flags);

	if (rc < 0)
		return rc;
	return (long)st.words[STAT_MODE_AT / sizeof(unsigned int)];
}

static bool has_type(const char *path, long type)
{
	long mode = mode_of(path, 0);

	return mode >= 0 && (mode & MODE_TYPE) == type;
}

static int run_test(struct sh *s, int argc, char **argv)
{
	const char *test = argv[1];

	(void)s;
	if (!sh_same(argv[argc - 1], "]"))
		sh_mistake("[ has no ]");
	argc--;
	if (argc == 1)
		return 1;
	if (argc == 2)
		return argv[1][0] == '\0';
	if (argc > 3)
		sh_refuse(argv[2], sh_length(argv[2]));
	if (sh_same(test, "-d"))
		return !has_type(argv[2], MODE_DIRECTORY);
	if (sh_same(test, "-f"))
		return !has_type(argv[2], MODE_FILE);
	if (sh_same(test, "-z"))
		return argv[2][0] != '\0';
	if (sh_same(test, "-n"))
		return argv[2][0] == '\0';
	sh_refuse(test, sh_length(test));
}

static bool has_backslash(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\\')
			return true;
	return false;
}

static int run_echo(struct sh *s, int argc, char **argv)
{
	bool ok = true;
	int i;

	/* What these mean differs from shell to shell. */
	if (argc > 1 && sh_same(argv[1], "-n"))
		sh_refuse(argv[1], 2);
	for (i = 1; i < argc; i++)
		if (has_backslash(argv[i]))
			sh_refuse(argv[i], sh_length(argv[i]));
	for (i = 1; i < argc; i++) {
		ok = out(s, argv[i], sh_length(argv[i])) && ok;
		if (i < argc - 1)
			ok = out(s, " ", 1) && ok;
	}
	return out(s, "\n", 1) && ok ? 0 : 1;
}

static int run_exit(struct sh *s, int argc, char **argv)
{
	long n = s->status;

	if (argc > 1)
		n = number(argv[1]);
	if (argc > 2 || n < 0 || n > 255)
		sh_mistake("exit takes one number, up to 255");
	s->leaving = true;
	return (int)n;
}

/* Options of a command, each one of `known`, of those in `needed` all; the
 * index of the first operand. */
static int options(int argc, char **argv, const char *known, const char *needed,
		   bool given[128])
{
	size_t k;
	int i;

	for (k = 0; k < 128; k++)
		given[k] = false;
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		const char *p = argv[i] + 1;

		if (sh_same(argv[i], "--")) {
			i++;
			break;
		}
		for (; *p != '\0'; p++) {
			for (k = 0; known[k] != '\0' && known[k] != *p; k++)
				;
			if (known[k] == '\0')
				sh_refuse(argv[i], sh_length(argv[i]));
			given[(unsigned char)*p] = true;
		}
	}
	for (; *needed != '\0'; needed++)
		if (!given[(unsigned char)*needed])
			sh_refuse(argv[0], sh_length(argv[0]));
	return i;
}

/* DIRECTORY/last part of TARGET, in the words' room; NULL when that is full. */
static const char *inside(struct sh *s, const char *directory,
			  const char *target)
{
	size_t n = sh_length(directory), end = sh_length(target), start, i;
	char *path = sh_words + s->words_used;

	while (end > 0 && target[end - 1] == '/')
		end--;
	for (start = end; start > 0 && target[start - 1] != '/'; start--)
		;
	if (n + (end - start) + 2 > sizeof(sh_words) - s->words_used)
		return NULL;
	for (i = 0; i < n; i++)
		*path++ = directory[i];
	*path++ = '/';
	for (i = start; i < end; i++)
		*path++ = target[i];
	*path = '\0';
	return sh_words + s->words_used;
}

/*
 * ln -s [-f] [-n] TARGET LINK.  As elsewhere a LINK that is a directory gets
 * the link inside.  Unlike elsewhere a LINK that is a link is never followed,
 * with or without -n: the sidecar's second start finds the first one's, and
 * where that points by then is of no use.
 */
static int run_ln(struct sh *s, int argc, char **argv)
{
	bool given[128];
	int i = options(argc, argv, "sfn", "s", given);
	const char *link;
	long mode, rc;

	if (argc - i != 2)
		sh_mistake("ln -s takes a target and a link");
	link = argv[i + 1];
	mode = mode_of(link, STAT_NOFOLLOW);
	if (mode >= 0 && (mode & MODE_TYPE) == MODE_DIRECTORY)
		link = inside(s, link, argv[i]);
	if (link == NULL)
		return failed("ln", argv[i + 1], -36);
	rc = sys4(SYS_SYMLINKAT, (long)argv[i], AT_HERE, (long)link, 0);
	if (rc == -E_EXIST && given['f']) {
		rc = sys4(SYS_UNLINKAT, AT_HERE, (long)link, 0, 0);
		if (rc >= 0)
			rc = sys4(SYS_SYMLINKAT, (long)argv[i], AT_HERE,
				  (long)link, 0);
	}
	return rc < 0 ? failed("ln", link, rc) : 0;
}

/* One directory, as the kernel lists it: unlike elsewhere not sorted. */
static int list_directory(struct sh *s, int fd, const char *path, bool all)
{
	/* struct linux_dirent64: inode and offset, 8 bytes each, then a length
	 * of 2, a type of 1, and the name. */
	static union {
		char bytes[16384];
		unsigned long align;
	} entries;
	bool ok = true;
	long n, at;

	while ((n = sys4(SYS_GETDENTS, fd, (long)entries.bytes,
			 (long)sizeof(entries.bytes), 0)) > 0) {
		for (at = 0; at < n;) {
			const char *entry = entries.bytes + at;
			const char *name = entry + 19;

			at += *(const unsigned short *)(const void *)(entry +
								      16);
			if (sh_same(name, ".") || sh_same(name, "..") ||
			    (name[0] == '.' && !all))
				continue;
			ok = out(s, name, sh_length(name)) && out(s, "\n", 1) &&
			     ok;
		}
	}
	if (n < 0)
		return failed("ls", path, n);
	return ok ? 0 : 1;
}

static int run_ls(struct sh *s, int argc, char **argv)
{
	bool given[128];
	int i = options(argc, argv, "A", "", given), rc;
	long fd;

	if (argc - i != 1)
		sh_mistake("ls takes one directory");
	fd = sys4(SYS_OPENAT, AT_HERE, (long)argv[i],
		  OPEN_DIRECTORY | OPEN_CLOEXEC, 0);
	if (fd < 0)
		return failed("ls", argv[i], fd);
	rc = list_directory(s, (int)fd, argv[i], given['A']);
	(void)sys4(SYS_CLOSE, fd, 0, 0, 0); /* nothing was written */
	return rc;
}

/* One directory with those above it. */
static int make_directories(char *path)
{
	char *p = path;

	for (;;) {
		char end;
		long rc;

		while (*p == '/')
			p++;
		while (*p != '\0' && *p != '/')
			p++;
		end = *p;
		*p = '\0';
		rc = *path == '\0'
			     ? -E_NOENT
			     : sys4(SYS_MKDIRAT, AT_HERE, (long)path, 0777, 0);
		/* A directory above may be there and not ours to make. */
		if (rc < 0 && !has_type(path, MODE_DIRECTORY))
			return failed("mkdir", path, rc);
		*p = end;
		if (end == '\0')
			return 0;
	}
}

static int run_mkdir(struct sh *s, int argc, char **argv)
{
	bool given[128];
	int i = options(argc, argv, "p", "p", given), rc = 0;

	(void)s;
	if (i == argc)
		sh_mistake("mkdir -p takes directories");
	for (; i < argc; i++)
		rc |= make_directories(argv[i]);
	return rc;
}

static int run_sleep(struct sh *s, int argc, char **argv)
{
	long n;

	(void)s;
	if (argc != 2)
		sh_mistake("sleep takes one time");
	n = number(argv[1]);
	if (n < 0 && !sh_same(argv[1], "infinity"))
		sh_refuse(argv[1], sh_length(argv[1]));
	sh_end_if_told(n);
	return 0;
}

static const struct sh_command commands[] = {
	{ "[", run_test },      { "echo", run_echo }, { "exit", run_exit },
	{ "ln", run_ln },       { "ls", run_ls },     { "mkdir", run_mkdir },
	{ "sleep", run_sleep },
};

const struct sh_command *sh_command_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (sh_same(commands[i].name, name))
			return &commands[i];
	return NULL;
}
