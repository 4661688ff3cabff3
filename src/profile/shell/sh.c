/*
 * src/profile/shell/sh.c - what stands in for /bin/sh in images: a static
 * program of a few KB without a C library, which runs the scripts that KServe
 * and Kubeflow Pipelines give to a container that holds a model.
 * spec/shell.md says to users what it understands.
 *
 * It is an interpreter of a small part of the POSIX shell: lists with ; && ||,
 * ( ), if, while, until, quotes, $$ and "$( )"; and of the commands [ echo
 * exit ln ls mkdir sleep.  What it does not know it refuses by name, with exit
 * status 127, and before anything was done where reading the script shows it;
 * mistakes of grammar have status 2.
 *
 * 1. The script is read twice: to the end for mistakes (`run` is false), then
 *    carried out.
 * 2. There are no variables and no directory to change, so a subshell differs
 *    from its surroundings in `exit` alone, and nothing is ever forked.
 * 3. Signals that end it are blocked and asked for (`sh_end_if_told`): process
 *    1 of a PID namespace never gets those that it has no handler for.
 * 4. All memory is static: SH_MAX_BYTES for words, as much for what "$( )"
 *    takes; pages that are not used cost nothing.
 *
 * Digests of images rest on the bytes of the programs made of this folder:
 * scripts/build-shell makes them, and nothing else does.
 */
#include "sh.h"
#include "sys.h"

static void read_list(struct sh *s, bool run);

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether a word ends before `c`. */
static bool is_end(char c)
{
	return c == '\0' || c == '\n' || c == ';' || c == '&' || c == '|' ||
	       c == '(' || c == ')' || c == '<' || c == '>' || is_blank(c);
}

static void skip_blanks(struct sh *s)
{
	for (;;) {
		if (is_blank(*s->at))
			s->at++;
		else if (s->at[0] == '\\' && s->at[1] == '\n')
			s->at += 2;
		else
			return;
	}
}

static void skip_lines(struct sh *s)
{
	for (skip_blanks(s); *s->at == '\n'; skip_blanks(s))
		s->at++;
}

static void add(struct sh *s, char c)
{
	if (s->words_used == sizeof(sh_words))
		sh_mistake("more words than there is room for");
	sh_words[s->words_used++] = c;
}

static void deeper(struct sh *s)
{
	if (++s->depth > SH_MAX_DEPTH)
		sh_mistake("nested too deeply");
}

/* "$( )", at its list: the output without the line ends behind it. */
static void substitute(struct sh *s, bool run)
{
	size_t start = s->taken_used, i;
	bool taking = s->taking;

	deeper(s);
	s->taking = true;
	read_list(s, run);
	if (*s->at != ')')
		sh_mistake("$( without )");
	s->at++;
	s->depth--;
	s->taking = taking;
	s->leaving = s->leaving && !run;
	while (s->taken_used > start && sh_taken[s->taken_used - 1] == '\n')
		s->taken_used--;
	for (i = start; i < s->taken_used; i++)
		add(s, sh_taken[i]);
	s->taken_used = start;
}

/* At a dollar sign. */
static void expand(struct sh *s, bool run, bool quoted)
{
	char c = s->at[1], buf[24];
	const char *p;
	size_t n;

	if (c == '$') {
		for (p = sh_digits(sys4(SYS_GETPID, 0, 0, 0, 0), buf); *p; p++)
			add(s, *p);
		s->at += 2;
	} else if (c == '(' && quoted && s->at[2] != '(') {
		s->at += 2;
		substitute(s, run);
	} else if ((is_end(c) && c != '(') || (c == '"' && quoted)) {
		add(s, *s->at++);
	} else {
		for (n = 2; !is_end(s->at[n]) && s->at[n] != '"'; n++)
			;
		sh_refuse(s->at, n);
	}
}

/* Behind a double quote. */
static void read_quoted(struct sh *s, bool run)
{
	while (*s->at != '"') {
		char c = *s->at, next = c == '\0' ? '\0' : s->at[1];

		if (c == '\0')
			sh_mistake("a double quote without its second one");
		if (c == '`')
			sh_refuse(s->at, 1);
		if (c == '$') {
			expand(s, run, true);
		} else if (c == '\\' && next == '\n') {
			s->at += 2;
		} else {
			if (c == '\\' && (next == '$' || next == '`' ||
					  next == '"' || next == '\\'))
				s->at++;
			add(s, *s->at++);
		}
	}
	s->at++;
}

static void read_single(struct sh *s)
{
	for (; *s->at != '\''; s->at++) {
		if (*s->at == '\0')
			sh_mistake("a quote without its second one");
		add(s, *s->at);
	}
	s->at++;
}

/* One word with its expansions, ended by a NUL; where it lies. */
static char *read_word(struct sh *s, bool run)
{
	char *word = sh_words + s->words_used;
	const char *start = s->at;

	while (!is_end(*s->at)) {
		char c = *s->at;

		if (c == '*' || c == '?' || c == '`' ||
		    (s->at == start && (c == '~' || c == '#')) ||
		    (c == '[' && (s->at != start || !is_end(s->at[1]))))
			sh_refuse(s->at, 1);
		if (c == '$') {
			expand(s, run, false);
			continue;
		}
		s->at++;
		if (c == '\'') {
			read_single(s);
		} else if (c == '"') {
			read_quoted(s, run);
		} else if (c != '\\') {
			add(s, c);
		} else if (*s->at == '\n') {
			s->at++;
		} else if (*s->at == '\0') {
			sh_mistake("nothing behind the last \\");
		} else {
			add(s, *s->at++);
		}
	}
	add(s, '\0');
	return word;
}

/* --- grammar ------------------------------------------------------------- */

/* Whether the reserved word `word` is next. */
static bool is_next(const struct sh *s, const char *word)
{
	const char *p = s->at;

	while (*word != '\0' && *p == *word) {
		p++;
		word++;
	}
	return *word == '\0' && is_end(*p);
}

static bool take(struct sh *s, const char *word)
{
	if (!is_next(s, word))
		return false;
	s->at += sh_length(word);
	return true;
}

static bool ends_list(const struct sh *s)
{
	return *s->at == '\0' || *s->at == ')' || is_next(s, "then") ||
	       is_next(s, "else") || is_next(s, "elif") || is_next(s, "fi") ||
	       is_next(s, "do") || is_next(s, "done");
}

static void read_simple(struct sh *s, bool run)
{
	char *argv[SH_MAX_WORDS + 1];
	size_t mark = s->words_used;
	const struct sh_command *command;
	int argc = 0;

	for (skip_blanks(s); !is_end(*s->at); skip_blanks(s)) {
		if (argc == SH_MAX_WORDS)
			sh_mistake("too many words in one command");
		argv[argc++] = read_word(s, run);
	}
	if (*s->at == '<' || *s->at == '>' || (*s->at == '(' && argc > 0))
		sh_refuse(s->at, 1);
	if (argc == 0)
		sh_mistake("a command is missing");
	argv[argc] = NULL;
	command = sh_command_find(argv[0]);
	if (command == NULL)
		sh_refuse(argv[0], sh_length(argv[0]));
	if (run)
		s->status = command->run(s, argc, argv);
	s->words_used = mark;
}

/* if, behind the word: one of its lists is carried out. */
static void read_if(struct sh *s, bool run)
{
	bool done = false; /* a branch was taken */

	do {
		bool ask = run && !done && !s->leaving;
		bool yes;

		read_list(s, ask);
		if (!take(s, "then"))
			sh_mistake("if without then");
		yes = ask && s->status == 0 && !s->leaving;
		if (ask && !yes && !s->leaving)
			s->status = 0;
		read_list(s, yes);
		done = done || yes;
	} while (take(s, "elif"));
	if (take(s, "else"))
		read_list(s, run && !done && !s->leaving);
	if (!take(s, "fi"))
		sh_mistake("if without fi");
}

/* while and until, behind the word.  What is carried out again is read again.
 */
static void read_loop(struct sh *s, bool run, bool until)
{
	const char *start = s->at;
	int status = 0;
	bool again;

	do {
		s->at = start;
		read_list(s, run);
		again = run && !s->leaving && (s->status == 0) != until;
		if (!take(s, "do"))
			sh_mistake("a loop without do");
		if (run && !s->leaving && !again)
			s->status = status;
		read_list(s, again);
		if (!take(s, "done"))
			sh_mistake("a loop without done");
		status = s->status;
		again = again && !s->leaving;
		if (again)
			sh_end_if_told(0);
	} while (again);
}

static void read_command(struct sh *s, bool run)
{
	const char *start;

	skip_lines(s);
	start = s->at;
	deeper(s);
	if (*s->at == '(') {
		s->at++;
		read_list(s, run);
		if (*s->at != ')')
			sh_mistake("( without )");
		s->at++;
		s->leaving = s->leaving && !run;
	} else if (take(s, "if")) {
		read_if(s, run);
	} else if (take(s, "while")) {
		read_loop(s, run, false);
	} else if (take(s, "until")) {
		read_loop(s, run, true);
	} else if (ends_list(s)) {
		sh_mistake("a command is missing");
	} else {
		read_simple(s, run);
		start = NULL;
	}
	s->depth--;
	skip_blanks(s);
	/* Behind a ) or fi nothing may stand but what joins commands. */
	if (start != NULL && !is_end(*s->at))
		sh_mistake("a word where a command has ended");
	if (*s->at == '<' || *s->at == '>' || *s->at == '(')
		sh_refuse(s->at, 1);
}

/* Commands joined by && and ||, from left to right. */
static void read_and_or(struct sh *s, bool run)
{
	read_command(s, run);
	while ((s->at[0] == '&' || s->at[0] == '|')) {
		bool both = s->at[0] == '&';

		if (s->at[1] != s->at[0])
			sh_refuse(s->at, 1);
		s->at += 2;
		read_command(s, run && !s->leaving && (s->status == 0) == both);
	}
}

/* Up to what ends it, which stays; at least one command. */
static void read_list(struct sh *s, bool run)
{
	skip_lines(s);
	if (ends_list(s))
		sh_mistake("a command is missing");
	while (!ends_list(s)) {
		read_and_or(s, run && !s->leaving);
		skip_blanks(s);
		if (*s->at != ';' && *s->at != '\n')
			return;
		s->at++;
		skip_lines(s);
	}
}

static int carry_out(struct sh *s, const char *script, bool run)
{
	s->at = script;
	s->status = 0;
	s->leaving = false;
	skip_lines(s);
	if (*s->at != '\0')
		read_list(s, run);
	if (*s->at != '\0')
		sh_mistake("a ) or a word without what it ends");
	return s->status;
}

int sh_main(int argc, char **argv)
{
	static struct sh s;

	if (argc < 3 || !sh_same(argv[1], "-c")) {
		sh_say("sh: this is not a shell: it runs what KServe's modelcars "
		       "need, as sh -c SCRIPT\n");
		return SH_STATUS_MISTAKE;
	}
	(void)sys4(SYS_SIGMASK, 0, (long)&sh_ending, 0, SIG_SET_BYTES);
	(void)carry_out(&s, argv[2], false);
	return carry_out(&s, argv[2], true);
}

/* --- without a C library ------------------------------------------------- */

#ifndef MR_STAND_IN_HOSTED
/* The kernel leaves argc and then argv on the stack. */
__attribute__((used)) static _Noreturn void start(long *stack)
{
	sh_leave(sh_main((int)stack[0], (char **)(stack + 1)));
}

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n\t"
	"xor %ebp, %ebp\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call start\n");
#else
__asm__(".globl _start\n"
	"_start:\n\t"
	"mov x29, #0\n\t"
	"mov x30, #0\n\t"
	"mov x0, sp\n\t"
	"bl start\n");
#endif
#endif
