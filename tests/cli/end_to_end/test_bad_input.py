"""Bad input: one message that names the culprit, exit code 2, nothing left behind."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

A = "augment good.csv --target label -o out.csv -m vae"
F = "fit good.csv -o out.gensynth -m vae"
D = "detect good.csv -o out.csv"
N = "detect good.csv -o out.csv --train-on good.csv"

# command line | words of the message
BAD = """
augment nofile.csv --target label -o out.csv                  | no file, nofile.csv
augment god.csv --target label -o out.csv                     | god.csv, Did you mean, good.csv
augment nowhere/good.csv --target label -o out.csv            | no file, nowhere/good.csv
augment brest-cancer -o out.csv                               | brest-cancer, Did you mean, breast-cancer
augment xyzzy -o out.csv                                      | xyzzy, neither a file nor a data set, wine
augment folder.csv --target label -o out.csv                  | folder.csv, is a folder
augment notes.txt --target label -o out.csv                   | notes.txt, .parquet
augment empty.csv --target label -o out.csv                   | empty.csv, empty
augment header.csv --target label -o out.csv                  | header.csv, no rows
augment no_rows.parquet --target label -o out.csv             | no_rows.parquet, no rows
augment ragged.csv --target a -o out.csv                      | ragged.csv, line 3, 4 cells
augment quote.csv --target a -o out.csv                       | quote.csv, row 1, 'b', never closed
augment double.csv --target b -o out.csv                      | double.csv, 'a', rename
augment not_gzip.csv.gz --target b -o out.csv                 | not_gzip.csv.gz, cannot be read
augment cut.csv.gz --target label -o out.csv                  | cut.csv.gz, cannot be read
augment not_parquet.parquet --target b -o out.csv             | not_parquet.parquet, not a Parquet file
fit onerow.csv -o out.gensynth                                | 1 sample, at least 2
fit all_missing.csv -o out.gensynth                           | no column can be learned
fit infinite.csv -o out.gensynth -m vae                       | 'a', infinite
augment one_column.csv --target label --balance -o out.csv    | label, at least one more column
augment good.csv --target lable -o out.csv                    | lable, did you mean, 'label'
augment good.csv --target zzz -o out.csv                      | zzz, age, income
augment good.csv --balance -o out.csv                         | --balance, --target
augment good.csv --target income --balance -o out.csv -m vae  | income, cannot be balanced
augment gaps.csv --target label --balance -o out.csv -m vae   | label, missing
augment one_class.csv --target label --balance -o out.csv     | class
augment augmented.csv --target label -o out.csv -m vae        | _synthetic
{A} --balance --rows 5                                        | --balance, --rows, exclude
{A} --rows 5 --ratio 1                                        | --rows, --ratio, exclude
{A} --balance --ratio 1                                       | --balance, --ratio, exclude
{A} --rows 0                                                  | --rows, at least 1
{A} --rows -3                                                 | --rows, -3
{A} --rows many                                               | --rows, integer
{A} --ratio 0                                                 | --ratio, more than 0
{A} --ratio -1                                                | --ratio, -1
{A} --ratio nan                                               | --ratio, nan
{A} --ratio inf                                               | --ratio, inf
{A} --seed -1                                                 | --seed, greater than or equal to 0
{A} --seed zero                                               | --seed, integer
{A} --seed 4294967296                                         | --seed
{A} --max-time 0                                              | --max-time, more than 0
{A} --max-time -2                                             | --max-time, -2
{A} --max-time nan                                            | --max-time, nan
{A} --max-time 5 --set trainer.max_time=5                     | --max-time, trainer.max_time
{A} --model vlea                                              | vlea, Did you mean, vlae
{A} --model nobody/vae                                        | nobody/vae
{A} --set model.latent_dims=4                                 | latent_dims, Did you mean, model.latent_dim
{A} --set latent_dim=4                                        | Did you mean, model.latent_dim
{A} --set zzz.zzz=4                                           | zzz.zzz, trainer.max_epochs
{A} --set model.latent_dim                                    | KEY=VALUE
{A} --set model.latent_dim=four                               | model.latent_dim, whole number, four
{A} --set model.latent_dim=1.5                                | model.latent_dim, whole number, 1.5
{A} --set model.hidden=a,b                                    | model.hidden, whole number
{A} --set model.latent_dim=-1                                 | latent_dim, -1
{A} --set model.latent_dim=4 --set model.latent_dim=5         | model.latent_dim, twice
{A} --set trainer.max_epochs=0                                | max_epochs, 0
{A} --set trainer.max_epochs=none                             | trainer.max_epochs, whole number
{A} --set trainer.device=gpu9                                 | gpu9
{A} --set trainer.progress=maybe                              | trainer.progress, true or false
{A} --set trainer.callbacks=print                             | trainer.callbacks
{A} --schema zzz=numeric                                      | --schema, zzz
{A} --schema sex                                              | --schema, COL=KIND
{A} --schema sex=nominal                                      | sex, nominal, categorical
{A} --schema sex=numeric                                      | sex, numeric
{A} --schema sex=categorical --schema sex=categorical         | sex, twice
augment good.csv --target label                               | --output
augment good.csv --target label -o out.xlsx                   | out.xlsx, .parquet
augment good.csv --target label -o out                        | out, .csv
augment good.csv --target label -o none/out.csv               | none, no folder
augment good.csv --target label -o folder.csv                 | folder.csv, is a folder
augment good.csv --target label -o good.csv                   | good.csv, input
augment good.csv --target label -o ./../work/good.csv         | good.csv, input
augment good.csv --target label -o link.csv                   | link.csv, input
augment good.csv --target label -o device.csv                 | device.csv, ordinary file
augment good.csv --target label -o /proc/out.csv              | /proc/out.csv, cannot be written
{A} --balanced                                                | --balanced
{A} extra                                                     | extra
augmnet good.csv                                              | augmnet, augment
fit good.csv -o out.csv                                       | out.csv, .gensynth
fit good.csv -o none/out.gensynth                             | no folder
fit good.csv -o /proc/out.gensynth                            | /proc/out.gensynth, cannot be written
{F} --resume                                                  | --resume, --checkpoint
{F} --checkpoint none/run.ckpt                                | --checkpoint, none, no folder
{F} --checkpoint folder.csv                                   | --checkpoint, folder.csv, is a folder
{F} --checkpoint good.csv                                     | --checkpoint, good.csv, input
{F} --checkpoint out.gensynth                                 | --checkpoint, --output, same file
{F} --checkpoint no_sex.csv                                   | --checkpoint, no_sex.csv, not a checkpoint
{F} --checkpoint run.ckpt --resume                            | --resume, no checkpoint, run.ckpt
{F} --checkpoint no_sex.csv --resume                          | no_sex.csv, not a checkpoint
{F} --checkpoint /proc/run.ckpt                               | --checkpoint, cannot be written
{F} --condition-on gender                                     | --condition-on, gender
{F} --set model.dropout=lots                                  | model.dropout, lots
sample nofile.gensynth -o out.csv                             | nofile.gensynth, gensynth fit
sample folder.csv -o out.csv                                  | folder.csv, is a folder
sample table.gensynth -o out.csv                              | table.gensynth
sample good.csv -o out.csv                                    | good.csv
sample nothing.gensynth -o out.csv                            | nothing.gensynth
sample cut.gensynth -o out.csv                                | cut.gensynth
sample flipped.gensynth -o out.csv                            | flipped.gensynth
sample m.gensynth -n 0 -o out.csv                             | --rows, at least 1
sample m.gensynth -n -5 -o out.csv                            | --rows, -5
sample m.gensynth -n 1.5 -o out.csv                           | --rows, integer
sample m.gensynth -n 9 -o out.gensynth                        | out.gensynth, .csv
sample m.gensynth -n 9 -o out.csv --where sex=X               | sex, 'X', 'F'
sample m.gensynth -n 9 -o out.csv --where sex=                | sex, missing
sample m.gensynth -n 9 -o out.csv --where gender=F            | gender, 'sex'
sample m.gensynth -n 9 -o out.csv --where sx=F                | sx, Did you mean 'sex'
sample m.gensynth -n 9 -o out.csv --where sex                 | --where, COL=VALUE
sample m.gensynth -n 9 -o out.csv --where >=20                | --where, COL=VALUE
sample m.gensynth -n 9 -o out.csv --where age>=               | --where, age>=
sample m.gensynth -n 9 -o out.csv --where age>=200            | age, >= 200, from 18 to 79
sample m.gensynth -n 9 -o out.csv --where age>=old            | age, old
sample m.gensynth -n 9 -o out.csv --where age>9 --where age=9 | age, twice
sample m.gensynth -n 9 -o out.csv --where age=30.5            | age, whole numbers
sample m.gensynth -n 9 -o out.csv --where sex>F               | sex, no order
sample m.gensynth -n 9 -o out.csv --where since>=never        | since, never, date
sample m.gensynth -n 9 -o out.csv --where sex=F --where sex=M | sex, twice
sample m.gensynth -n 9 -o out.csv --where age=old             | age, old
sample m.gensynth -n 9 -o out.csv --where age=inf             | age, infinite
sample m.gensynth -n 9 -o out.csv --where since=yesterday     | since, yesterday
sample m.gensynth -n 9 -o out.csv --where member=perhaps      | member, perhaps
sample m.gensynth -n 9 -o out.csv --seed -1                   | --seed
impute nofile.gensynth good.csv -o out.csv                    | nofile.gensynth, gensynth fit
impute m.gensynth nofile.csv -o out.csv                       | nofile.csv
impute m.gensynth no_sex.csv -o out.csv                       | sex
impute m.gensynth text_age.csv -o out.csv                     | age, row 0, old
impute m.gensynth good.csv -o good.csv                        | good.csv, input
impute m.gensynth good.csv -o out.gensynth                    | out.gensynth, .csv
impute m.gensynth good.csv -o out.csv --seed -1               | --seed
impute m.gensynth good.csv                                    | --output
score m.gensynth nofile.csv -o out.csv                        | nofile.csv
score m.gensynth no_sex.csv -o out.csv                        | sex
score m.gensynth text_age.csv -o out.csv                      | age, row 0, old
score m.gensynth scored.csv -o out.csv                        | scored.csv, score
score m.gensynth good.csv -o out.csv --method magic           | magic
score m.gensynth good.csv -o good.csv                         | good.csv, input
score m.gensynth header.csv -o out.csv                        | header.csv, no rows
score cut.gensynth good.csv -o out.csv                        | cut.gensynth
sample d.gensynth -o out.csv                                  | d.gensynth, anomaly detector, gensynth fit
impute d.gensynth good.csv -o out.csv                         | d.gensynth, anomaly detector, gensynth fit
score d.gensynth no_sex.csv -o out.csv                        | sex
score d.gensynth good.csv -o out.csv --method magic           | magic, reconstruction
score d.gensynth scored.csv -o out.csv                        | scored.csv, score
score m.gensynth reasoned.csv -o out.csv --explain            | reasoned.csv, 'reason', rename
score m.gensynth good.csv -o out.csv --top 2                  | --top, --explain
score m.gensynth good.csv -o out.csv --explain --top 0        | --top, at least 1
fit good.csv -o out.gensynth --weight agee                    | --weight, agee, did you mean 'age'
fit good.csv -o out.gensynth --weight sex                     | --weight sex, row 0
fit gaps.csv -o out.gensynth --weight label                   | --weight label, row 0
{D} --weight since                                            | --weight since, row 0
detect nofile.csv -o out.csv                                  | no file, nofile.csv
detect onerow.csv -o out.csv                                  | 1 sample, at least
detect single.csv -o out.csv                                  | 1 sample, at least 2
detect infinite.csv -o out.csv                                | 'a', infinite
detect scored.csv -o out.csv                                  | scored.csv, 'score', rename
detect reasoned.csv -o out.csv                                | reasoned.csv, 'reason', rename
detect good.csv                                               | --output
detect good.csv -o good.csv                                   | --output, good.csv, input
detect good.csv -o out.gensynth                               | --output, out.gensynth, .csv
{D} --contamination lots                                      | --contamination, lots, auto
{D} --contamination 0                                         | --contamination, above 0
{D} --contamination 0.6                                       | --contamination, 0.6, at most 0.5
{D} --contamination nan                                       | --contamination, nan
{D} --fdr 0.1                                                 | --fdr, --train-on
{N} --fdr 0                                                   | --fdr, above 0
{N} --fdr 1                                                   | --fdr, below 1
{N} --fdr nan                                                 | --fdr, nan
{N} --fdr 0.1 --contamination 0.1                             | --fdr, --contamination, exclude
{D} --train-on nofile.csv                                     | no file, nofile.csv
{D} --train-on no_sex.csv                                     | no_sex.csv, lacks, 'sex', good.csv
detect no_sex.csv -o out.csv --train-on good.csv              | no_sex.csv, lacks, 'sex', good.csv
{D} --train-on weighed.csv                                    | weighed.csv, lacks, 'sex'
{D} --train-on single.csv                                     | 1 sample, at least 2
detect text_age.csv -o out.csv --train-on good.csv            | age, row 0, old
detect good.csv -o five.csv --train-on five.csv               | five.csv, input
{D} --html page.txt                                           | --html, page.txt, .html
{D} --html none/page.html                                     | --html, no folder
{D} --html /proc/page.html                                    | --html, cannot be written
{D} --save out2.csv                                           | --save, out2.csv, .gensynth
{D} --save none/d.gensynth                                    | --save, no folder
{D} --model vea                                               | vea, Did you mean, vae
{D} --score magic                                             | --score, magic, reconstruction
{D} --score elboo                                             | --score, elboo, did you mean, 'elbo'
{D} --set model.members=4                                     | model.members, Did you mean, model.n_members
{D} --set model.n_members=0                                   | n_members, 0
{D} --model vae --set model.prior=flow                         | model.prior, sampling, leave it out
{D} --set model.task=sampling                                 | model.task, --train-on
{D} --set trainer.max_epochs=0                                | max_epochs, 0
{D} --schema zzz=numeric                                      | --schema, zzz
{D} --schema sex=nominal                                      | sex, nominal, categorical
{D} --max-time 0                                              | --max-time, more than 0
{D} --seed -1                                                 | --seed
datasets show brest-cancer                                    | brest-cancer, did you mean, breast-cancer
datasets fetch nothing -o out.csv                             | nothing, wine
datasets fetch wine -o out.json                               | out.json, .csv
datasets burn                                                 | burn
"""

CASES = [tuple(part.strip() for part in line.split("|")) for line in BAD.strip().splitlines()]


def test_enough_cases() -> None:
    assert len({line for line, _ in CASES}) == len(CASES) > 100


@pytest.mark.parametrize(("line", "words"), CASES, ids=[line for line, _ in CASES])
def test_refused_with_a_clear_message(line, words, folder: Path, run) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = run(*shlex.split(line.format(A=A, F=F, D=D, N=N)))
    assert outcome.code == 2
    assert not outcome.out
    for word in words.split(", "):
        assert word.lower() in outcome.err.lower(), outcome.err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
