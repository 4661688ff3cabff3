/*
 * test_remote_lock.c - one writer of a fallback tag at a time, on one machine.
 */
#include "tests/support/referrers_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/remote.h"
#include "store/remote_lock.h"

/* Below the tests' home. */
static const char *folder(char out[512])
{
	(void)snprintf(out, 512, "%s/locks", getenv("HOME"));
	return out;
}

/* The only file there, open; -1: there is none, or no folder. */
static int only_file(const char *dir)
{
	DIR *d = opendir(dir);
	char path[1024] = "";
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n++;
	}
	if (d)
		(void)closedir(d);
	assert_true(n < 2);
	return n ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

static void remove_folder(const char *dir)
{
	char command[600];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

static void a_free_lock_costs_no_time(void **state)
{
	struct fx *x = *state;
	char dir[512];
	struct mreg_desc subject, other;
	int64_t began_ms, without_ms;
	struct stat st;
	int fd;

	other = rf_push(x, "other", NULL);
	began_ms = x->t.slept_ms;
	(void)rf_push(x, "report", &other);
	without_ms = x->t.slept_ms - began_ms;
	mr_remote_lock_folder(x->s, folder(dir));
	subject = rf_push(x, "model", NULL);
	/* Made when it is needed. */
	assert_int_equal(only_file(dir), -1);
	began_ms = x->t.slept_ms;
	(void)rf_push(x, "report", &subject);
	assert_int_equal(x->t.slept_ms - began_ms, without_ms);
	fd = only_file(dir);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 0);
	/* And given back. */
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	(void)close(fd);
	assert_int_equal(rf_count(x, &subject), 1);
	remove_folder(dir);
}

static void waits_for_a_while_then_goes_on(void **state)
{
	struct fx *x = *state;
	char dir[512];
	struct mreg_desc subject;
	int64_t free_ms;
	int fd;

	mr_remote_lock_folder(x->s, folder(dir));
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	fd = only_file(dir);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	free_ms = x->t.slept_ms;
	(void)rf_push(x, "card", &subject);
	assert_true(x->t.slept_ms - free_ms >= 5000);
	assert_true(x->t.slept_ms - free_ms < 20000);
	assert_int_equal(rf_count(x, &subject), 2);
	(void)close(fd);
	free_ms = x->t.slept_ms;
	(void)rf_push(x, "bill", &subject);
	assert_true(x->t.slept_ms - free_ms < 5000);
	assert_int_equal(rf_count(x, &subject), 3);
	remove_folder(dir);
}

static void waiting_can_be_canceled(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject, d;
	char dir[512];
	int fd = -1;
	int mine = -1;

	mr_remote_lock_folder(x->s, folder(dir));
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	fd = only_file(dir);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	atomic_store(&x->t.cancel, true);
	assert_code(MREG_ECANCELED,
		    mr_remote_lock(mr_remote_of(x->s), rf_fallback(&subject),
				   &mine, &x->err),
		    x->err);
	assert_int_equal(mine, -1);
	atomic_store(&x->t.cancel, false);
	(void)close(fd);
	assert_ok(rf_attach(x, "card", RF_TYPE, &subject, &d), x->err);
	remove_folder(dir);
}

/* H104: what others may write to is not used; nor is it an error. */
static void a_folder_of_others_is_left_alone(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject;
	char target[600];
	char dir[512];

	(void)folder(dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	mr_remote_lock_folder(x->s, dir);
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	assert_int_equal(only_file(dir), -1);
	assert_int_equal(rf_count(x, &subject), 1);
	remove_folder(dir);
	/* Nor a link to one of ours. */
	(void)snprintf(target, sizeof(target), "%s-target", dir);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, dir), 0);
	(void)rf_push(x, "card", &subject);
	assert_int_equal(only_file(target), -1);
	assert_int_equal(rf_count(x, &subject), 2);
	remove_folder(dir);
	remove_folder(target);
}

static void a_folder_that_cannot_be_is_no_error(void **state)
{
	struct fx *x = *state;
	struct mreg_desc subject;

	mr_remote_lock_folder(x->s, "/nowhere/at/all/locks");
	subject = rf_push(x, "model", NULL);
	(void)rf_push(x, "report", &subject);
	assert_int_equal(rf_count(x, &subject), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX(a_free_lock_costs_no_time),
		FX(waits_for_a_while_then_goes_on),
		FX(waiting_can_be_canceled),
		FX(a_folder_of_others_is_left_alone),
		FX(a_folder_that_cannot_be_is_no_error),
	};
	char *dir = test_tmpdir_new();
	int failed;

	fx_isolate(dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_tmpdir_free(dir);
	return failed;
}
