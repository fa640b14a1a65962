//! A photo's way through a restorer: what its networks see, one after another and in every symmetry, and how their
//! results become one. Where there are several, they are floats, which are rounded once, at the end.

use std::borrow::Cow;

use super::tiles::Tiles;
use super::{Captured, Restorer, RestorerOptions};
use crate::engine::{Progress, Spent, Values, Watch};
use crate::image::{Frame, Mean, Symmetry};
use crate::model::Stage;
use crate::{Error, Result};

/// What is asked for of a photo.
pub(super) struct Asked<'a> {
    /// Tensors of the last network besides the result.
    pub(super) names: &'a [String],
    /// Whether the images of the earlier stages are.
    pub(super) stages: bool,
    /// How far the result goes from the photo, 0 to 1.
    pub(super) strength: f32,
}

/// All that was asked for of a photo.
pub(super) struct Refined {
    pub(super) frame: Frame,
    /// What the photo would have become with the first stage as the last, and with the second; none unless asked for.
    pub(super) stages: Vec<Frame>,
    /// Tensors of the last network, for the photo as it lies.
    pub(super) tensors: Vec<Captured>,
}

/// What is made of an image.
struct Made {
    /// The result, and the images of stages.
    images: Vec<Frame>,
    tensors: Vec<Captured>,
}

/// What is to be made of images, and how often in all, so that progress can be told.
struct Course<'a> {
    views: &'a [Symmetry],
    /// The last network's tensors; the last `stages` of them are images.
    kept: &'a [String],
    stages: usize,
    done: u64,
    runs: u64,
    /// What the networks before keep on the device.
    device_bytes: u64,
}

impl Restorer {
    /// Restores a photo, and gives what else is asked for.
    pub(super) async fn run<P: FnMut(Progress) + ?Sized>(
        &self,
        photo: &Frame,
        asked: &Asked<'_>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Refined> {
        let &Asked { names, stages, strength } = asked;
        let RestorerOptions { symmetries, .. } = self.model.options;
        if !(0.0..=1.0).contains(&strength) {
            return Err(Error::Input(format!("a strength of {strength} is not from 0 to 1")));
        }
        let stages = if stages { &Stage::EARLIER[..] } else { &[] };
        if strength == 0.0 && names.is_empty() {
            let stages = vec![photo.clone(); stages.len()];
            return Ok(Refined { frame: photo.clone(), stages, tensors: Vec::new() });
        }
        let prepared = photo.prepared()?;
        let tiled = Tiles::of(self.model.options.mode, [photo.width(), photo.height()])?.is_some();
        let plain = strength == 1.0 && !symmetries && self.followers.is_empty() && !tiled;
        let seen = if plain { prepared } else { Cow::Owned(prepared.in_floats()?) };

        let kept: Vec<String> =
            names.iter().cloned().chain(stages.iter().map(|it| it.image().to_owned())).collect();
        let views = if symmetries { &Symmetry::ALL[..] } else { &Symmetry::ALL[..1] };
        let runs = (views.len() * (1 + self.followers.len())) as u64;
        let mut course = Course { views, kept: &kept, stages: stages.len(), done: 0, runs, device_bytes: 0 };
        let bound = self.model.options.max_memory.is_some();
        let stays = !self.followers.is_empty() && views.len() == 1 && kept.is_empty() && !tiled && !bound;
        let chained = if stays { self.chained(&seen, watch).await? } else { None };
        let made = match chained {
            Some(image) => Made { images: vec![image], tensors: Vec::new() },
            None => self.make_all(&seen, &mut course, watch).await?,
        };
        let whole = |image: Frame| match &seen {
            Cow::Borrowed(_) => Ok(image),
            Cow::Owned(seen) => photo.with_restored(&seen.blended(image, strength)?),
        };
        let mut images = made.images.into_iter().map(whole).collect::<Result<Vec<_>>>()?;
        let stages = images.split_off(1);
        let frame = images.pop().ok_or_else(|| Error::Input("the graph has no output".to_owned()))?;
        if frame.samples().are_black() && !photo.samples().are_nearly_black() {
            tracing::warn!(
                "the result is black and the photo is not: the weights may not be meant for such photos, or the driver computes \
                 wrongly; `mprnet doctor` checks that"
            );
        }
        Ok(Refined { frame, stages, tensors: made.tensors })
    }

    /// What the networks make of an image, each of the result of the one before.
    async fn make_all<P: FnMut(Progress) + ?Sized>(
        &self,
        image: &Frame,
        course: &mut Course<'_>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Made> {
        let mut made = self.make(image, self.followers.is_empty(), course, watch).await?;
        for (at, follower) in self.followers.iter().enumerate() {
            let last = at + 1 == self.followers.len();
            made = follower.make(&made.images[0], last, course, watch).await?;
        }
        Ok(made)
    }

    /// What this network makes of an image: the mean over its views.
    async fn make<P: FnMut(Progress) + ?Sized>(
        &self,
        image: &Frame,
        last: bool,
        course: &mut Course<'_>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Made> {
        let stages = if last { course.stages } else { 0 };
        let mut means: Vec<Mean> = (0..=stages).map(|_| Mean::new()).collect();
        let mut tensors = Vec::new();
        for &view in course.views {
            let kept = if last { course.kept } else { &[] };
            let mut made = self.view(image, view, (kept, stages), course, watch).await?;
            course.done += 1;
            if course.views.len() == 1 {
                course.device_bytes = watch.spent.device_bytes;
                return Ok(made);
            }
            means.iter_mut().zip(&made.images).try_for_each(|(mean, image)| mean.add(image))?;
            if tensors.is_empty() {
                tensors.append(&mut made.tensors);
            }
        }
        course.device_bytes = watch.spent.device_bytes;
        let (width, height) = (image.width(), image.height());
        let images = means.into_iter().map(|mean| mean.frame(width, height)).collect::<Result<_>>()?;
        Ok(Made { images, tensors })
    }

    /// What this network makes of one view of an image, turned back.
    async fn view<P: FnMut(Progress) + ?Sized>(
        &self,
        image: &Frame,
        view: Symmetry,
        (kept, stages): (&[String], usize),
        course: &Course<'_>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Made> {
        let as_it_lies = view == Symmetry::ALL[0];
        let seen = if as_it_lies { Cow::Borrowed(image) } else { Cow::Owned(image.turned(view)?) };
        let &Course { done, runs, .. } = course;
        let mut tell = |part: Progress| (watch.progress)(part.of(done, runs));
        let mut part = Watch::new(&mut tell, watch.cancel);
        let tiles = Tiles::of(self.model.options.mode, [seen.width(), seen.height()])?;
        let (images, tensors) = match tiles {
            Some(tiles) => self.tiled(&tiles, &seen, (kept, stages), &mut part).await?,
            None => self.images(&seen, (kept, stages), &mut part).await?,
        };
        let device_bytes = course.device_bytes + part.spent.device_bytes;
        watch.spent.add(Spent { device_bytes, ..part.spent });
        let back = |image: Frame| if as_it_lies { Ok(image) } else { image.turned(view.inverse()) };
        let images = images.into_iter().map(back).collect::<Result<_>>()?;
        Ok(Made { images, tensors })
    }

    /// What this network makes of an image: the result and the images of `stages`, and the other tensors that are kept.
    pub(super) async fn images<P: FnMut(Progress) + ?Sized>(
        &self,
        seen: &Frame,
        (kept, stages): (&[String], usize),
        watch: &mut Watch<'_, P>,
    ) -> Result<(Vec<Frame>, Vec<Captured>)> {
        let (restored, mut tensors) = self.in_range(seen, kept, watch).await?;
        let stage = |tensor: Captured| match &tensor.values {
            Values::Planar(planes) => seen.with_planar(planes),
            Values::Words(words) => seen.with_words(words),
        };
        let earlier = tensors.split_off(tensors.len().saturating_sub(stages)).into_iter().map(stage);
        let images = [Ok(restored)].into_iter().chain(earlier).collect::<Result<_>>()?;
        Ok((images, tensors))
    }
}
